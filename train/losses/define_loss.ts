import { z } from "../../core/zod.ts";
import type { ChosenLogps, LossTerms, PairLogps } from "./pair_logps.ts";

/** What a loss can read, by the word for it. */
export interface LossReads {
  /** Chosen and rejected replies, and a reference where the loss asks for its log-probs. */
  readonly pairs: PairLogps;
  /** The chosen replies alone. */
  readonly chosen: ChosenLogps;
}

/** A loss that is not in the project: one file exports it by default, a recipe names the file. */
export interface LossDefinition<
  Reads extends keyof LossReads = keyof LossReads,
  Shape extends z.ZodRawShape = z.ZodRawShape,
> {
  /** For messages. */
  readonly name: string;
  readonly reads: Reads;
  /** A zod schema for each coefficient. One called `beta` scales the rewards of the step log. */
  readonly coefficients: Shape;
  /** The terms, each (P): of each pair alone; what is left out is 0. Training takes the mean. */
  terms(
    logps: LossReads[Reads],
    coefficients: z.output<z.ZodObject<Shape>>,
  ): Partial<LossTerms>;
}

/**
 * Types a loss by what it reads and by its coefficients; returns it unchanged.
 *
 * @example SFT on the chosen replies, each pair weighted by the same number.
 * ```ts
 * import { defineLoss, mul, neg } from "ballast/losses";
 * import { z } from "zod";
 *
 * export default defineLoss({
 *   name: "weighted-sft",
 *   reads: "chosen",
 *   coefficients: { weight: z.number().positive() },
 *   terms: ({ policyChosen }, { weight }) => ({ regulariser: mul(neg(policyChosen), weight) }),
 * });
 * ```
 */
export function defineLoss<const Reads extends keyof LossReads, Shape extends z.ZodRawShape>(
  loss: LossDefinition<Reads, Shape>,
): LossDefinition<Reads, Shape> {
  return loss;
}

/** Checks what a file exports, which no compiler has seen when it comes to a run. */
export const lossDefinitionSchema: z.ZodType<LossDefinition> = z.strictObject({
  name: z.string().min(1).describe("a name for messages"),
  reads: z.enum(["pairs", "chosen"]),
  coefficients: z.record(
    z.string(),
    z.custom<z.ZodType>((value) => value instanceof z.ZodType, { error: "a zod schema" }),
  ).describe("a record of zod schemas, {} for none"),
  terms: z.custom<LossDefinition["terms"]>((value) => typeof value === "function", {
    error: "a function from log-probs and coefficients to terms",
  }),
});
