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
 * Refuses an estimate beyond the budget.
 *
 * @throws ExpectedError that names both
 */
export function requireBudget(estimate: CostEstimate, { calls, dollars }: Budget): void {
  if (calls !== null && estimate.calls > calls) {
    throw new ExpectedError(
      `Expected at most ${calls} calls to the judge, the budget, but ${estimate.calls} are needed. ` +
        "Nothing was asked.",
    );
  }
  if (dollars !== null && estimate.dollars !== null && estimate.dollars > dollars) {
    throw new ExpectedError(
      `Expected to spend at most $${dollars} on the judge, the budget, but the estimate is ` +
        `${describeEstimate(estimate)}. Nothing was asked.`,
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

/** What has been spent, and what is under way. */
export class Spending {
  calls = 0;
  dollars = 0;
  #reserved = 0;

  constructor(private readonly budget: Budget, readonly prices: Prices | null) {}

  /**
   * Sets aside what an attempt may cost.
   *
   * @returns settles it: with what the endpoint counted, with null where it did not count, or
   * may have worked for an answer that never came (the estimate is then taken), with "nothing" where it
   * refused
   * @throws ExpectedError when the budget does not cover it
   */
  reserve(request: JudgeRequest): (usage: Completion["usage"] | "nothing") => void {
    const estimate = estimateCost([request], this.prices).dollars ?? 0;
    const { calls, dollars } = this.budget;
    if (calls !== null && this.calls + 1 > calls) {
      throw new ExpectedError(
        `The budget of ${calls} calls to the judge is used up. What was answered is kept.`,
      );
    }
    if (dollars !== null && this.dollars + this.#reserved + estimate > dollars) {
      throw new ExpectedError(
        `The budget of $${dollars} for the judge does not cover another call: ` +
          `${formatDollars(this.dollars)} is spent. What was answered is kept.`,
      );
    }
    this.calls++;
    this.#reserved += estimate;
    return (usage) => {
      this.#reserved -= estimate;
      if (usage === "nothing") return;
      this.dollars += usage !== null && this.prices !== null ? price(usage, this.prices) : estimate;
    };
  }
}
