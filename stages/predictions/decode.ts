import type { MemoryPart, Sizes } from "../../pipeline/prediction.ts";
import { decodingMemory } from "../../train/costs/memory.ts";
import { shapeOf } from "../../train/costs/model_sizes.ts";
import type collect from "../collect.ts";
import type curve from "../curve.ts";
import type evaluate from "../evaluate.ts";
import { countOf, type PredictOf } from "./params_of.ts";

/** Replies that are written at once, and the longest prompt of the synthetic world with room to spare. */
const ROWS = 512;
const PROMPT_TOKENS = 32;

/** Mean characters of a pair of the synthetic world, roughly. */
const TEXTS = { promptCharacters: 15, chosenCharacters: 25, rejectedCharacters: 25 } as const;

/** Sampling replies of the synthetic world and pairing them. */
export const predictCollecting: PredictOf<typeof collect> = ({ params, inputs, last }) => {
  const { train, heldOut, maxNewTokens } = params;
  const prompts = countOf(inputs.trainPrompts[0], "prompts");
  const held = Math.min(heldOut.maxPairs, heldOut.prompts * heldOut.pairsPerPrompt);
  const pairs = (port: string, most: number | null): Record<string, Sizes> =>
    last[port]
      ? { [port]: last[port] }
      : most === null
      ? {}
      : { [port]: { ...TEXTS, pairs: most } };
  return {
    outputs: {
      ...pairs("train", prompts && prompts * train.pairsPerPrompt),
      ...pairs("validation", held),
      ...pairs("test", held),
      ...pairs("outOfCoverage", held),
    },
    memory: memoryOf(inputs.model[0], maxNewTokens, 1),
  };
};

/** Measuring a policy beside its reference. */
export const predictEvaluation: PredictOf<typeof evaluate> = ({ params, inputs }) => ({
  memory: memoryOf(inputs.policy[0], params.maxNewTokens, 2),
});

/** Measuring one snapshot after the other. */
export const predictCurve: PredictOf<typeof curve> = ({ params, inputs }) => ({
  memory: memoryOf(inputs.snapshots[0], params.maxNewTokens, 1),
});

function memoryOf(
  model: Sizes | null,
  maxNewTokens: number,
  models: number,
): readonly MemoryPart[] | undefined {
  const shape = shapeOf(model);
  const length = PROMPT_TOKENS + maxNewTokens;
  return shape === null ? undefined : decodingMemory(shape, { models, rows: ROWS, length });
}
