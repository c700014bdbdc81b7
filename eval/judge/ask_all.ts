import PQueue from "p-queue";
import pRetry from "p-retry";
import { ExpectedError } from "../../core/problem.ts";
import { readCompletion } from "./completion.ts";
import { type Budget, type CostEstimate, estimateCost, type Prices } from "./cost.ts";
import { requireBudget } from "./cost.ts";
import { type Endpoint, Refused, Transient } from "./endpoint.ts";
import type { KeptAnswers, Outcome } from "./kept_answers.ts";
import type { JudgeRequest } from "./request.ts";
import { type Ledger, Spending, type Usage } from "./spending.ts";

/** How a judge is asked. None of it is part of a request. */
export interface Pace {
  /** Requests under way at once. */
  readonly concurrency: number;
  /** Requests begun in a minute; null for any number. */
  readonly requestsPerMinute: number | null;
  /** Attempts for each request. */
  readonly attempts: number;
  /** Milliseconds before the second attempt; doubled before each after it, up to a minute. */
  readonly firstWait: number;
  /** Requests that may fail one after another before the run stops. */
  readonly failuresInARow: number;
  /** Milliseconds over which those that waited for a busy server begin again. */
  readonly spread: number;
}

/** How far asking has come. */
export interface AskProgress {
  /** Requests that are answered or failed, those found kept included. */
  readonly done: number;
  readonly total: number;
  readonly failed: number;
  /** Attempts made for these requests. */
  readonly calls: number;
  /** Spent on them; null without prices. */
  readonly dollars: number | null;
  /** Whether that is the most that it may be. */
  readonly isAtMost: boolean;
}

/** What `askAll` works with. */
export interface AskOptions {
  readonly kept: KeptAnswers;
  /** Null: offline, only what is kept. */
  readonly endpoint: Endpoint | null;
  readonly pace: Pace;
  readonly budget: Budget;
  readonly prices: Prices | null;
  /** What the run's judges spent, to which the budget is held; null where these requests are all. */
  readonly ledger: Ledger | null;
  readonly signal: AbortSignal;
  /** Numbers from 0 to 1: where in that time each begins. */
  readonly jitter: () => number;
  /** Told once, before the first call. */
  readonly onEstimate?: (estimate: CostEstimate) => void;
  readonly onProgress?: (progress: AskProgress) => void;
}

/**
 * What came of each request: from what is kept, else by asking. Every answer is kept before the next
 * request of its place begins, so that a run that is killed loses what was under way and no more. Equal
 * requests are asked once; offline, kept failures stand, else they are asked again. When the signal
 * aborts, requests under way are waited for and kept, and no others are begun.
 *
 * @returns outcomes in the order of the requests
 * @throws ExpectedError offline, with what is missing; when the budget is short; when the endpoint refuses
 * the key, or so many requests fail one after another
 */
export async function askAll(
  requests: readonly JudgeRequest[],
  options: AskOptions,
): Promise<Outcome[]> {
  const { kept, endpoint, budget, prices, signal } = options;
  const outcomes = new Map<string, Outcome>();
  const missing = new Map<string, JudgeRequest>();
  for (const request of requests) {
    if (outcomes.has(request.digest) || missing.has(request.digest)) continue;
    const outcome = kept.find(request);
    const stands = outcome?.state === "answered" || endpoint === null;
    if (outcome !== null && stands) outcomes.set(request.digest, outcome);
    else missing.set(request.digest, request);
  }
  if (missing.size > 0) {
    if (endpoint === null) throw missingOffline([...missing.values()], requests.length);
    const estimate = estimateCost([...missing.values()], prices);
    options.onEstimate?.(estimate);
    requireBudget(estimate, budget, new Spending(budget, prices, options.ledger).all);
    await new Asking(endpoint, options, outcomes).ask(missing);
  }
  signal.throwIfAborted();
  return requests.map(({ digest }) => outcomes.get(digest)!);
}

const LONGEST_WAIT = 600_000;

/** One run of asking: what is spent, until when to hold back, why it stops. */
class Asking {
  #spending: Spending;
  #stop = new AbortController();
  #holdUntil = 0;
  /** When the rate admits the next attempt. */
  #nextTurn = 0;
  #failed = 0;
  #inARow = 0;
  #total = 0;

  constructor(
    private readonly endpoint: Endpoint,
    private readonly options: AskOptions,
    private readonly outcomes: Map<string, Outcome>,
  ) {
    this.#spending = new Spending(options.budget, options.prices, options.ledger);
  }

  async ask(missing: ReadonlyMap<string, JudgeRequest>): Promise<void> {
    const { pace: { concurrency }, signal } = this.options;
    const queue = new PQueue({ concurrency });
    this.#total = this.outcomes.size + missing.size;
    this.#tell();
    const ended = AbortSignal.any([signal, this.#stop.signal]);
    ended.addEventListener("abort", () => queue.clear(), { once: true });
    for (const request of missing.values()) {
      if (ended.aborted) break;
      // Before its place in the queue is free: no request must begin after the one that ends the run.
      queue.add(() => this.#settle(request, ended).catch((error) => this.#stop.abort(error)));
    }
    await queue.onIdle();
    if (this.#stop.signal.aborted) throw this.#stop.signal.reason;
  }

  /** Asks until there is an answer or no attempt is left, and keeps what came of it. */
  async #settle(request: JudgeRequest, ended: AbortSignal): Promise<void> {
    if (ended.aborted) return;
    const { attempts, firstWait } = this.options.pace;
    try {
      await pRetry(() => this.#attempt(request, ended), {
        retries: attempts - 1,
        minTimeout: firstWait,
        maxTimeout: 60_000,
        factor: 2,
        signal: ended,
        shouldRetry: ({ error }) => error instanceof Transient,
        onFailedAttempt: ({ error }) => this.#holdBack(error),
      });
    } catch (error) {
      if (ended.aborted) return;
      if (error instanceof Transient) {
        const times = attempts === 1 ? "once" : `${attempts} times`;
        await this.#fail(request, `${error.message}; asked ${times}`);
      } else if (error instanceof Refused) {
        await this.#fail(request, error.message);
      } else throw error;
    }
  }

  /** One attempt. What is under way is waited for, also when the run ends: it is paid for. */
  async #attempt(request: JudgeRequest, ended: AbortSignal): Promise<void> {
    await this.#waitForTurn(ended);
    const settle = this.#spending.reserve(request);
    let usage: Usage = "unknown";
    let raw: string;
    try {
      raw = await this.endpoint.ask(request);
      usage = readCompletion(raw)?.usage ?? "unknown";
    } catch (error) {
      if (isFree(error)) usage = "nothing";
      throw error;
    } finally {
      settle(usage);
    }
    await this.#keep(request, { state: "answered", raw });
    this.#inARow = 0;
    this.#tell();
  }

  async #fail(request: JudgeRequest, reason: string): Promise<void> {
    await this.#keep(request, { state: "failed", reason });
    this.#failed++;
    this.#inARow++;
    this.#tell();
    if (this.#inARow < this.options.pace.failuresInARow) return;
    throw new ExpectedError(
      `${this.#inARow} requests to the judge failed one after another; the last one, ` +
        `${request.label}: ${reason}. What was answered is kept.`,
    );
  }

  async #keep(request: JudgeRequest, outcome: Outcome): Promise<void> {
    await this.options.kept.keep(request, outcome);
    this.outcomes.set(request.digest, outcome);
  }

  /** A busy server is left alone by all requests. */
  #holdBack(error: Error): void {
    if (!(error instanceof Transient) || error.retryAfter === null) return;
    if (error.retryAfter > LONGEST_WAIT) {
      throw new ExpectedError(
        `The judge's endpoint ${error.message} and asks to wait ` +
          `${Math.ceil(error.retryAfter / 1000)} s. What was answered is kept; run again then.`,
      );
    }
    this.#holdUntil = Math.max(this.#holdUntil, performance.now() + error.retryAfter);
  }

  /**
   * Until no server asks to wait and the rate admits another attempt, a retry as well as a first one. What
   * waited for a server does not begin again all at once.
   */
  async #waitForTurn(ended: AbortSignal): Promise<void> {
    const { pace: { requestsPerMinute, spread }, jitter } = this.options;
    do {
      for (let wait; (wait = this.#holdUntil - performance.now()) > 0;) {
        await sleep(wait + jitter() * spread, ended);
      }
      if (requestsPerMinute === null) return;
      const turn = Math.max(performance.now(), this.#nextTurn);
      this.#nextTurn = turn + 60_000 / requestsPerMinute;
      await sleep(Math.max(0, turn - performance.now()), ended);
    } while (this.#holdUntil > performance.now());
  }

  #tell(): void {
    const { calls, dollars, isAtMost } = this.#spending.own;
    this.options.onProgress?.({
      done: this.outcomes.size,
      total: this.#total,
      failed: this.#failed,
      calls,
      dollars: this.options.prices === null ? null : dollars,
      isAtMost,
    });
  }
}

/** Whether nobody can have worked for an attempt that failed so. */
function isFree(error: unknown): boolean {
  return error instanceof Transient ? !error.isBilled : error instanceof Refused ||
    error instanceof ExpectedError;
}

const NAMED = 10;

function missingOffline(missing: readonly JudgeRequest[], total: number): ExpectedError {
  const named = missing.slice(0, NAMED).map(({ label, digest }) =>
    `  ${label} (${digest.slice(0, 12)})`
  );
  const more = missing.length > NAMED ? [`  and ${missing.length - NAMED} more`] : [];
  return new ExpectedError(
    [
      `Expected every judgment to be kept, since nothing can be asked (offline, or without JUDGE_BASE_URL), but ${missing.length} of ${total} are missing:`,
      ...named,
      ...more,
    ].join("\n"),
  );
}

function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    if (signal.aborted) return reject(signal.reason);
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    signal.addEventListener("abort", stop, { once: true });
  });
}
