import { z } from "../core/zod.ts";
import type { Problem } from "../core/problem.ts";
import { modelSizes } from "../train/costs/model_sizes.ts";
import { FAMILIES } from "../train/models/families.ts";
import { type ModelShape, parameterCount } from "../train/models/parameters.ts";

const count = (describe: string) => z.int().min(1).describe(describe);

/**
 * The shape of a model that need not be there yet: what it will take can be said before it is fetched,
 * and another one that turns up in its place is refused.
 */
export const expectedModel = z.strictObject({
  family: z.enum(FAMILIES).describe("Decoder architecture"),
  vocabSize: count("Rows of the embedding"),
  hiddenSize: count("Width of the residual stream"),
  intermediateSize: count("Width inside the MLP"),
  layers: count("Decoder layers"),
  heads: count("Attention heads"),
  keyValueHeads: count("Heads of keys and values"),
  headDim: count("Features of a head"),
  tiedEmbeddings: z.boolean().describe("Whether the output projection is the embedding"),
  parameters: count("Weights, as a check of the rest"),
}).superRefine((expected, { issues }) => {
  const counted = parameterCount(expected);
  if (counted === expected.parameters) return;
  issues.push({
    code: "custom",
    path: ["parameters"],
    message: `${counted}, which this shape has`,
    input: expected,
  });
});

/** The shape that a recipe expects. */
export type ExpectedModel = z.infer<typeof expectedModel>;

/**
 * How a model differs from what a recipe expects of it.
 *
 * @param path names the model in messages
 */
export function unexpectedShape(
  expected: ExpectedModel,
  found: ModelShape,
  path: string,
): Problem[] {
  const sizes = modelSizes(found);
  return Object.entries(modelSizes(expected))
    .filter(([name, value]) => sizes[name] !== value)
    .map(([name, value]) => ({
      path: `${path}: ${name}`,
      message: `Expected ${value}, as the recipe says, but found ${sizes[name]}.`,
    }));
}
