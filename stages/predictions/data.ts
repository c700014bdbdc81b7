import type { Sizes } from "../../pipeline/prediction.ts";
import { VOCABULARY } from "../../data/world/vocabulary.ts";
import { modelSizes } from "../../train/costs/model_sizes.ts";
import type initialize from "../initialize.ts";
import type readPairs from "../read_pairs.ts";
import type select from "../select.ts";
import type trainTokenizer from "../train_tokenizer.ts";
import type world from "../world.ts";
import { countOf, type PredictOf } from "./params_of.ts";
import { ASSUMED } from "./speeds.ts";

/** Mean characters of a demonstration of the synthetic world, roughly. */
const WORLD_TEXTS = { promptCharacters: 15, chosenCharacters: 25 } as const;

/** The synthetic world's sizes are its parameters. */
export const predictWorld: PredictOf<typeof world> = ({ params, last }) => ({
  outputs: {
    tokenizer: { vocabSize: VOCABULARY.length },
    demonstrations: { ...WORLD_TEXTS, ...last.demonstrations, pairs: params.demonstrations },
    trainPrompts: { prompts: params.trainPrompts },
    validationPrompts: { prompts: params.validationPrompts },
    testPrompts: { prompts: params.testPrompts },
  },
});

/** As many pairs as the limits say; without a limit as many as last time. */
export const predictPairs: PredictOf<typeof readPairs> = ({ params, last }) => {
  const sizes = (split: "train" | "test", limit?: number): Record<string, Sizes> => {
    const pairs = limit ?? countOf(last[split], "pairs");
    return pairs === null ? {} : { [split]: { ...last[split], pairs } };
  };
  const outputs = { ...sizes("train", params.limit), ...sizes("test", params.testLimit) };
  const amount = Object.values(outputs).reduce((sum, { pairs }) => sum + Number(pairs), 0);
  if (outputs.train === undefined) return { outputs };
  return {
    outputs,
    work: {
      amount,
      unit: "read pairs",
      perSecond: ASSUMED.readPairs,
      startSeconds: 1,
      like: "read",
      scale: 1,
    },
  };
};

/** A tokenizer to be trained has the vocabulary that is asked for. */
export const predictTokenizer: PredictOf<typeof trainTokenizer> = ({ params, last }) => {
  const vocabSize = params.vocabSize ?? countOf(last.tokenizer, "vocabSize");
  return vocabSize === null ? {} : { outputs: { tokenizer: { vocabSize } } };
};

/** A new model has the shape of its parameters and the tokenizer's vocabulary. */
export const predictInitial: PredictOf<typeof initialize> = ({ params, inputs }) => {
  const vocabSize = countOf(inputs.tokenizer[0], "vocabSize");
  if (vocabSize === null) return {};
  const { heads, hiddenSize, keyValueHeads = heads, headDim = hiddenSize / heads } = params;
  return { outputs: { model: modelSizes({ ...params, keyValueHeads, headDim, vocabSize }) } };
};

/** The snapshot that is taken is a model of the same shape. */
export const predictSelection: PredictOf<typeof select> = ({ inputs }) => {
  const [snapshots] = inputs.snapshots;
  return snapshots === null ? {} : { outputs: { model: snapshots } };
};
