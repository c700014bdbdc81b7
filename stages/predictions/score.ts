import type { Prediction, Sizes } from "../../pipeline/prediction.ts";
import { countWeights } from "../../train/costs/arithmetic.ts";
import { scoringMemory } from "../../train/costs/memory.ts";
import { shapeOf } from "../../train/costs/model_sizes.ts";
import { scoringWork } from "../../train/costs/work.ts";
import { defaultTokensPerRun, replyTokensPerRun } from "../../train/pair_packs.ts";
import type logps from "../logps.ts";
import type measure from "../measure.ts";
import type { PredictOf } from "./params_of.ts";
import { ASSUMED, loadingSeconds } from "./speeds.ts";
import { largestRun, meanReading, tokenSizesOf } from "./token_sizes.ts";

/** Log-probs of all replies. */
export const predictLogps: PredictOf<typeof logps> = ({ params, inputs }) =>
  predictScoring(inputs.model[0], inputs.tokens[0], params.threads);

/** Log-probs of all held-out replies. */
export const predictMeasuring: PredictOf<typeof measure> = ({ params, inputs }) =>
  inputs.policy[0] === undefined
    ? {}
    : predictScoring(inputs.policy[0], inputs.pairs[0], params.threads);

function predictScoring(
  model: Sizes | null,
  tokens: Sizes | null,
  threads: number,
): Prediction {
  const shape = shapeOf(model);
  const sizes = tokenSizesOf(tokens);
  if (shape === null || sizes === null) return {};
  const replies = sizes.rejectedTokens === 0 ? "chosen" : "both";
  const { all } = countWeights(shape);
  return {
    work: {
      amount: sizes.pairs * scoringWork(shape, meanReading(sizes, replies)),
      unit: "operations",
      perSecond: ASSUMED.operations,
      startSeconds: loadingSeconds({ loadedBytes: 4 * all }),
      like: "scoring",
      scale: all,
    },
    memory: scoringMemory(
      shape,
      largestRun(sizes, replies, {
        tokens: defaultTokensPerRun(shape),
        replyTokens: replyTokensPerRun(shape.vocabSize),
      }),
      threads,
    ),
  };
}
