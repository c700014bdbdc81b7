import { ExpectedError } from "../../core/problem.ts";
import { hostOf, hubHosts, type HubSettings } from "./settings.ts";

/** How requests are made. */
export interface HubAccess {
  readonly settings: HubSettings;
  /** Hosts beside the known ones that the hub may send downloads from. */
  readonly moreHosts: readonly string[];
  readonly signal: AbortSignal;
  /** Waits so many milliseconds; ends early, by throwing, when the signal aborts. */
  readonly sleep: (milliseconds: number) => Promise<void>;
  /** Milliseconds without a byte after which a connection counts as cut. */
  readonly idleLimit: number;
}

const IDLE_LIMIT = 60_000;

/** Access to the hub for a stage, until the signal aborts. */
export function openAccess(
  settings: HubSettings,
  { signal, moreHosts = [] }: {
    readonly signal: AbortSignal;
    readonly moreHosts?: readonly string[];
  },
): HubAccess {
  const sleep = (milliseconds: number) =>
    new Promise<void>((resolve, reject) => {
      const stop = () => {
        clearTimeout(timer);
        reject(signal.reason);
      };
      const timer = setTimeout(() => {
        signal.removeEventListener("abort", stop);
        resolve();
      }, milliseconds);
      signal.addEventListener("abort", stop, { once: true });
    });
  return { settings, moreHosts, signal, sleep, idleLimit: IDLE_LIMIT };
}

/** Requests that are made for one answer, at most. */
export const MOST_ATTEMPTS = 6;

const MOST_REDIRECTS = 5;
const LONGEST_WAIT = 300_000;

/** An answer that another attempt may change: a busy or failing server, a cut or silent connection. */
export class Transient extends Error {
  constructor(message: string, readonly retryAfter: number | null = null) {
    super(message);
  }
}

/**
 * Repeats an action while it fails with `Transient`, waiting 0.5 s, 1 s, 2 s, …, or as long as the server
 * asks (at most five minutes).
 *
 * @param action is told nothing; it may keep what it has got so far
 * @param progressed whether the failed attempt got further than those before: the count begins anew
 * @throws ExpectedError when the last attempt failed as well
 */
export async function withRetries<T>(
  access: HubAccess,
  action: () => Promise<T>,
  progressed: () => boolean = () => false,
): Promise<T> {
  for (let attempt = 1;; attempt++) {
    try {
      return await action();
    } catch (error) {
      access.signal.throwIfAborted();
      if (!(error instanceof Transient)) throw error;
      if (progressed()) attempt = 1;
      if (attempt >= MOST_ATTEMPTS) {
        throw new ExpectedError(
          `${error.message} It was tried ${attempt} times. Try again later: what is there stays.`,
        );
      }
      await access.sleep(error.retryAfter ?? 500 * 2 ** (attempt - 1));
    }
  }
}

/**
 * One request. Redirects are followed by hand: the token goes to the endpoint's own origin alone, and a
 * host that was not declared is refused by name. Reading the body throws `Transient` as well once nothing
 * arrives for as long as the idle limit.
 *
 * @throws Transient for 429, 5xx and connections that fail or stay silent
 * @throws ExpectedError for a redirect to an unknown host, or away from https
 */
export async function hubRequest(
  access: HubAccess,
  url: string,
  headers: Readonly<Record<string, string>>,
): Promise<Response> {
  const { endpoint, token } = access.settings;
  const allowed = hubHosts(access.settings, access.moreHosts);
  let target = new URL(url);
  let linked: string | null = null;
  for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects++) {
    if (!allowed.includes(hostOf(target.href))) throw unknownHost(target);
    const own = target.origin === new URL(endpoint).origin && token !== null;
    const response = await send(
      access,
      target,
      own ? { ...headers, Authorization: `Bearer ${token}` } : headers,
    );
    if (response.status === 429 || response.status >= 500) {
      await response.body?.cancel();
      throw new Transient(
        `${hostOf(target.href)} answered ${response.status}.`,
        retryAfter(response.headers.get("Retry-After")),
      );
    }
    const location = response.headers.get("Location");
    // The ETag of the content stands on the redirect; where that leads, storage has its own.
    if (target.origin === new URL(endpoint).origin) {
      linked = response.headers.get("X-Linked-ETag") ?? linked;
    }
    if (response.status < 300 || response.status >= 400 || location === null) {
      return linked === null ? response : withHeader(response, "X-Linked-ETag", linked);
    }
    await response.body?.cancel();
    const next = new URL(location, target);
    if (next.protocol !== "https:" && next.protocol !== target.protocol) {
      throw new ExpectedError(
        `The hub leads from ${target.protocol}// to ${next.protocol}//${next.host}: refused.`,
      );
    }
    target = next;
  }
  throw new ExpectedError(
    `The hub leads on more than ${MOST_REDIRECTS} times from ${withoutQuery(url)}.`,
  );
}

function withHeader(response: Response, name: string, value: string): Response {
  const headers = new Headers(response.headers);
  headers.set(name, value);
  return new Response(response.body, { status: response.status, headers });
}

async function send(
  access: HubAccess,
  target: URL,
  headers: Readonly<Record<string, string>>,
): Promise<Response> {
  const connection = new AbortController();
  const inTime = <T>(promise: Promise<T>) => waitFor(promise, hostOf(target.href), access);
  // Packed on the way, a body's length and ranges would not be the file's.
  const all = { ...headers, "Accept-Encoding": "identity" };
  try {
    const { signal } = connection;
    const response = await inTime(fetch(target, { headers: all, redirect: "manual", signal }));
    if (response.body === null) return response;
    const { body, headers } = unpacked(response, response.body, target);
    const { status } = response;
    return new Response(timed(body, inTime), { status, headers });
  } catch (error) {
    connection.abort();
    throw error;
  }
}

/**
 * The body as it was before it was packed: proxies pack what they pass on, though asked not to.
 *
 * @throws ExpectedError for a part of a packed body, and another way of packing than gzip's
 */
function unpacked(
  { status, headers: given }: Response,
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  target: URL,
): { body: ReadableStream<Uint8Array<ArrayBuffer>>; headers: Headers } {
  const headers = new Headers(given);
  const encoding = headers.get("Content-Encoding")?.trim().toLowerCase() ?? "identity";
  if (encoding === "identity") return { body, headers };
  if (status === 206 || !/^(x-)?gzip$/.test(encoding)) {
    body.cancel().catch(() => {}); // of one that failed there is nothing to close
    throw new ExpectedError(
      `Expected ${
        hostOf(target.href)
      } to send bytes as they are but found them packed (${encoding}): a ` +
        "proxy on the way may do that.",
    );
  }
  headers.delete("Content-Encoding");
  headers.delete("Content-Length"); // that of the packed bytes
  return { body: body.pipeThrough(new DecompressionStream("gzip")), headers };
}

/**
 * What a promise about a connection gives, unless that takes longer than the idle limit or all is given up.
 * This is not left to the signal of `fetch`: Deno 2.9.6 forgets it while a body is read, once garbage is
 * collected.
 */
async function waitFor<T>(
  promise: Promise<T>,
  host: string,
  { signal, idleLimit }: HubAccess,
): Promise<T> {
  const ended = Promise.withResolvers<never>();
  const giveUp = () => ended.reject(signal.reason);
  const silent = () =>
    ended.reject(new Transient(`${host} sent nothing for ${idleLimit / 1000} s.`));
  const timer = setTimeout(silent, idleLimit);
  signal.addEventListener("abort", giveUp, { once: true });
  if (signal.aborted) giveUp();
  try {
    return await Promise.race([promise, ended.promise]);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof Deno.errors.NotCapable || error instanceof Transient) throw error;
    throw new Transient(`The connection to ${host} failed.`);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", giveUp);
  }
}

/** A body whose every block is waited for in a given way; the connection is closed when one fails to come. */
function timed(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  inTime: <T>(promise: Promise<T>) => Promise<T>,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const reader = body.getReader();
  return new ReadableStream({
    async pull(controller) {
      try {
        const { value, done } = await inTime(reader.read());
        if (done) controller.close();
        else controller.enqueue(value);
      } catch (error) {
        reader.cancel(error).catch(() => {}); // of one that failed there is nothing to close
        throw error;
      }
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}

function unknownHost(target: URL): ExpectedError {
  return new ExpectedError(
    `The hub sends the download from ${target.host}, which this stage may not reach. If you trust that ` +
      `host, add it to the stage's parameters: \`downloadHosts: ["${hostOf(target.href)}"]\`.`,
  );
}

/** Milliseconds to wait, by the header; null when it says nothing. */
function retryAfter(value: string | null): number | null {
  if (value === null) return null;
  const seconds = /^\d+$/.test(value.trim())
    ? Number(value)
    : (Date.parse(value) - Date.now()) / 1000;
  if (Number.isNaN(seconds)) return null;
  return Math.min(Math.max(seconds, 0) * 1000, LONGEST_WAIT);
}

/** An address without its query, which may hold a signature. */
export function withoutQuery(url: string): string {
  return url.split("?")[0];
}
