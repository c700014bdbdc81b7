import { formatDollars } from "../../core/dollars.ts";
import { ExpectedError } from "../../core/problem.ts";
import type { Completion } from "./completion.ts";
import type { JudgeRequest } from "./request.ts";

/** What a judge costs, in dollars per million tokens. */
export interface Prices {
  readonly input: number;
  readonly output: number;
}

/** The most that a run may ask for. */
export interface Budget {
  /** Calls, each attempt counted; null for any number. */
  readonly calls: number | null;
  /** Dollars; null for any amount. */
  readonly dollars: number | null;
}

/** What requests will take at most, about: no judge's tokenizer is at hand. */
export interface CostEstimate {
  readonly calls: number;
  /** Of the messages' texts, as `likelyTokens` has it. */
  readonly promptTokens: number;
  /** The most that each answer may have. */
  readonly completionTokens: number;
  /** Null without prices. */
  readonly dollars: number | null;
}

/** Bytes of a token where nothing but the length of a text is known: English has about four. */
export const BYTES_A_TOKEN = 3;

/**
 * How many tokens a text has, rather more than fewer: one a byte, but that three letters or spaces of
 * ASCII make one. Only one a byte throughout is a bound, and four times what English takes. Of 3,818
 * texts of UltraFeedback, MT-Bench and AlpacaEval in SmolLM2's tokenizer, which has little but English,
 * 47 have more, and all together 0.62 of it; Chinese and emoji have 0.6 to 0.7, long strings of random
 * letters up to three times as many.
 */
export function likelyTokens(text: string): number {
  const bytes = new TextEncoder().encode(text);
  const plain = bytes.reduce((count, byte) => count + (isPlain(byte) ? 1 : 0), 0);
  return bytes.length - plain + Math.ceil(plain / 3);
}

/** A letter of ASCII, or white space: what tokens hold several of. */
function isPlain(byte: number): boolean {
  const lower = byte | 0x20;
  return (lower >= 0x61 && lower <= 0x7a) || byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}

/** Foresees what requests take. */
export function estimateCost(
  requests: readonly Pick<JudgeRequest, "body">[],
  prices: Prices | null,
): CostEstimate {
  let [promptTokens, completionTokens] = [0, 0];
  for (const { body } of requests) {
    for (const { content } of body.messages) {
      promptTokens += likelyTokens(content);
    }
    completionTokens += body.max_tokens ?? body.max_completion_tokens ?? 0;
  }
  const dollars = prices && price({ promptTokens, completionTokens }, prices);
  return { calls: requests.length, promptTokens, completionTokens, dollars };
}

/** Dollars for tokens. */
export function price(
  { promptTokens, completionTokens }: NonNullable<Completion["usage"]>,
  { input, output }: Prices,
): number {
  return (promptTokens * input + completionTokens * output) / 1e6;
}

/**
 * Refuses an estimate beyond what is left of the budget.
 *
 * @param spent by the run so far
 * @throws ExpectedError that names all three
 */
export function requireBudget(
  estimate: CostEstimate,
  { calls, dollars }: Budget,
  spent: Spent,
): void {
  const after = spent.calls === 0
    ? ""
    : `, and this run has made ${spent.calls} for ${describeSpent(spent)}`;
  if (calls !== null && spent.calls + estimate.calls > calls) {
    throw new ExpectedError(
      `Expected at most ${calls} calls to the judge, the budget, but ${estimate.calls} are ` +
        `needed${after}. Nothing was asked.`,
    );
  }
  if (
    dollars !== null && estimate.dollars !== null && spent.dollars + estimate.dollars > dollars
  ) {
    throw new ExpectedError(
      `Expected to spend at most $${dollars} on the judge, the budget, but the estimate is ` +
        `${describeEstimate(estimate)}${after}. Nothing was asked.`,
    );
  }
}

/** `160 calls, at most about 52,000 prompt and 327,680 answer tokens, $10.35`. */
export function describeEstimate(estimate: CostEstimate): string {
  const { calls, promptTokens, completionTokens, dollars } = estimate;
  const [prompt, answer] = [promptTokens, completionTokens].map((n) => n.toLocaleString("en-US"));
  const money = dollars === null ? "" : `, ${formatDollars(dollars)}`;
  return `${calls} calls, at most about ${prompt} prompt and ${answer} answer tokens${money}`;
}

/** What attempts came to. */
export interface Spent {
  /** Attempts, failed ones too. */
  readonly calls: number;
  readonly dollars: number;
  /** Whether some of it may not have been billed, or for less: the dollars are then the most. */
  readonly isAtMost: boolean;
}

/** `$0.42`, or `at most $0.42`. */
export function describeSpent({ dollars, isAtMost }: Omit<Spent, "calls">): string {
  return `${isAtMost ? "at most " : ""}${formatDollars(dollars)}`;
}
