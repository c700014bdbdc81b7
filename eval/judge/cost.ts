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

/** What requests will take at most: no judge's tokenizer is at hand. */
export interface CostEstimate {
  readonly calls: number;
  /** A token for every three bytes: English has about four. */
  readonly promptTokens: number;
  /** The most that each answer may have. */
  readonly completionTokens: number;
  /** Null without prices. */
  readonly dollars: number | null;
}

export const BYTES_A_TOKEN = 3;

/** Foresees what requests take. */
export function estimateCost(
  requests: readonly Pick<JudgeRequest, "body">[],
  prices: Prices | null,
): CostEstimate {
  const encoder = new TextEncoder();
  let [promptTokens, completionTokens] = [0, 0];
  for (const { body } of requests) {
    for (const { content } of body.messages) {
      promptTokens += Math.ceil(encoder.encode(content).length / BYTES_A_TOKEN);
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
