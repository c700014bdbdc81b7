import { z } from "../core/zod.ts";
import { moduleParam } from "../pipeline/path_param.ts";
import { SFT_NORMALISATIONS } from "../train/losses/sft_normalisation.ts";

const beta = z.number().positive().describe(
  "a number above 0: the strength of the KL constraint towards the reference",
);
const eta = z.number().min(0).describe(
  "a number of at least 0: η for sum, the coefficient of the SFT term for the two means",
);
const sft = z.enum(SFT_NORMALISATIONS).describe(
  "how the SFT term is normalised; no default, since the three are not interchangeable",
);

const file = moduleParam({
  imports: ["ballast/losses", "zod"],
  describe: "a TypeScript file that exports a loss by default, made with defineLoss()",
});
const coefficients = z.record(z.string(), z.json()).default({}).describe(
  "the coefficients that the loss of the file asks for",
);

/**
 * A loss with the coefficients it needs and, in each variant, the same further parameters.
 *
 * @param shape those further parameters
 */
export function lossParams<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.discriminatedUnion("loss", [
    z.strictObject({ loss: z.literal("dpo"), beta, ...shape }),
    z.strictObject({ loss: z.literal("rpo"), beta, eta, sft, ...shape }),
    z.strictObject({ loss: z.literal("ipo"), beta, ...shape }),
    z.strictObject({ loss: z.literal("hinge"), beta, ...shape }),
    z.strictObject({ loss: z.literal("sft"), sft, ...shape }),
    z.strictObject({ loss: z.literal("custom"), file, coefficients, ...shape }),
  ]);
}
