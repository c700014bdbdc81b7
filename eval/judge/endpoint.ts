import OpenAI, { APIConnectionError, APIError } from "openai";
import { ExpectedError } from "../../core/problem.ts";
import { readCompletion } from "./completion.ts";
import type { JudgeRequest } from "./request.ts";

/** An attempt that another one may mend: a busy or failing server, a cut connection, no completion. */
export class Transient extends Error {
  override readonly name = "Transient";

  /**
   * @param retryAfter milliseconds that the server asks to wait; null where it asks for none
   * @param isBilled whether the judge may have worked, so that the attempt is paid for
   */
  constructor(
    message: string,
    readonly retryAfter: number | null = null,
    readonly isBilled: boolean = false,
  ) {
    super(message);
  }
}

/** The endpoint will not answer this request, however often it is asked. */
export class Refused extends Error {
  override readonly name = "Refused";
}

/** Something that answers requests. */
export interface Endpoint {
  /**
   * Makes one attempt.
   *
   * @returns the raw answer, which holds a chat completion
   * @throws Transient when another attempt may do
   * @throws Refused when none will
   * @throws ExpectedError when no request at all will be answered: a key or an address that is wrong
   */
  ask(request: JudgeRequest): Promise<string>;
}

/** An OpenAI-compatible endpoint. */
export class OpenAiEndpoint implements Endpoint {
  #client: OpenAI;
  #timeout: number;
  #now: () => number;

  /** @param now milliseconds since 1970, to read `Retry-After` dates by */
  constructor(
    { baseUrl, apiKey, timeout, now }: {
      readonly baseUrl: string;
      readonly apiKey: string | null;
      /** Milliseconds that an answer may take, its last byte included. */
      readonly timeout: number;
      readonly now: () => number;
    },
  ) {
    this.#timeout = timeout;
    this.#now = now;
    this.#client = new OpenAI({
      baseURL: baseUrl,
      // The package wants one; endpoints without keys do not look at it.
      apiKey: apiKey ?? "none",
      organization: null,
      project: null,
      logLevel: "off",
      maxRetries: 0,
      timeout,
      // The key would follow a redirect.
      fetchOptions: { redirect: "manual" },
    });
  }

  async ask({ body, digest }: JudgeRequest): Promise<string> {
    const late = AbortSignal.timeout(this.#timeout);
    try {
      const response = await this.#client.chat.completions.create(
        { ...body, messages: [...body.messages] },
        // A server that knows the header answers an interrupted request once.
        { signal: late, headers: { "Idempotency-Key": digest } },
      ).asResponse();
      const raw = await response.text();
      if (readCompletion(raw) !== null) return raw;
      throw new Transient(`answered ${response.status} with no chat completion`, null, true);
    } catch (error) {
      if (late.aborted) {
        throw new Transient(`gave no whole answer in ${this.#timeout / 1000} s`, null, true);
      }
      throw this.#understand(error);
    }
  }

  #understand(error: unknown): unknown {
    if (error instanceof Transient) return error;
    if (error instanceof APIConnectionError) {
      // Once there is a connection, the request may have arrived whole, whatever became of the answer.
      return isUnsent(error)
        ? new Transient(`could not be reached (${rootMessage(error)})`)
        : new Transient("closed the connection before it answered", null, true);
    }
    if (!(error instanceof APIError)) {
      // What fetch throws when a body is cut.
      const cut = error instanceof TypeError || error instanceof Deno.errors.Http ||
        error instanceof Deno.errors.ConnectionReset || error instanceof DOMException;
      return cut ? new Transient("cut its answer short", null, true) : error;
    }
    const { status, headers } = error;
    if (status === 408 || status === 409 || status === 425 || status === 429 || status >= 500) {
      const mayHaveWorked = status === 408 || status >= 500 && status !== 503;
      return new Transient(`answered ${status}`, retryAfter(headers, this.#now()), mayHaveWorked);
    }
    if (status >= 300 && status < 400) {
      const to = headers?.get("location");
      return new ExpectedError(
        `The judge's endpoint sends to another address${
          to ? `, ${origin(to)}` : ""
        }. Set JUDGE_BASE_URL to it.`,
      );
    }
    if (status === 401 || status === 403 || status === 404) {
      const what = status === 404 ? "JUDGE_BASE_URL and JUDGE_MODEL" : "JUDGE_API_KEY";
      return new ExpectedError(`The judge's endpoint answered ${status}. Check ${what}.`);
    }
    return new Refused(`answered ${status}`);
  }
}

/** Milliseconds that `retry-after-ms` or `Retry-After` (seconds, or a date) ask to wait. */
export function retryAfter(headers: Headers | undefined, now: number): number | null {
  const milliseconds = Number(headers?.get("retry-after-ms") ?? NaN);
  if (milliseconds >= 0) return milliseconds;
  const value = headers?.get("retry-after")?.trim();
  if (!value) return null;
  const seconds = Number(value);
  if (seconds >= 0) return seconds * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}

/** Whether there was no connection to send a request over: an unknown name, a closed port, a failed handshake. */
function isUnsent(error: Error): boolean {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if (cause.message.includes("client error (Connect)")) return true;
  }
  return false;
}

/** Why there was no connection, as systems word it. */
const FAULTS =
  /connection refused|name or service not known|failure in name resolution|unreachable|no route to host|timed out|certificate/i;

/** Only what names the fault: the messages around it hold the address. */
function rootMessage(error: Error): string {
  let cause: unknown = error;
  while (cause instanceof Error && cause.cause !== undefined) cause = cause.cause;
  const fault = cause instanceof Error ? FAULTS.exec(cause.message) : null;
  if (fault !== null) return fault[0].toLowerCase();
  if (typeof cause === "object" && cause !== null && "code" in cause) return String(cause.code);
  return cause instanceof Error ? cause.name : "unknown";
}

function origin(address: string): string {
  return URL.canParse(address) ? new URL(address).origin : "elsewhere";
}
