import type { Prediction, Sizes } from "../../../pipeline/prediction.ts";
import { totalBytes } from "../../../pipeline/prediction.ts";
import { stages } from "../../../stages/registry.ts";
import { modelSizes } from "../../../train/costs/model_sizes.ts";
import { SMALL } from "../../train/costs/small_shape.ts";

/** A small model. */
export const MODEL = modelSizes({ ...SMALL, hiddenSize: 64, vocabSize: 1000 });

/** Pairs, and how long they are. */
export const TOKENS = {
  pairs: 100,
  promptTokens: 20,
  chosenTokens: 30,
  rejectedTokens: 10,
  promptCells: 400,
  chosenCells: 1500,
  rejectedCells: 300,
  longestPair: 120,
  longestReplies: 90,
  longestSequence: 90,
  longestPrompt: 40,
  longestChosen: 60,
  longestRejected: 40,
  longPairs: 1,
};

/** Parameters of `train`: ten steps. */
export const TRAIN = {
  loss: "dpo",
  beta: 0.1,
  learningRate: 1e-3,
  schedule: "constant",
  epochs: 1,
  batchPairs: 10,
  seed: 0,
  threads: 1,
};

/** What a stage foresees with these parameters. */
export async function predict(stage: string, params: Record<string, unknown>, about: {
  readonly inputs?: Record<string, readonly (Sizes | null)[]>;
  readonly last?: Record<string, Sizes>;
} = {}): Promise<Prediction> {
  const found = stages.get(stage)!;
  const given = Object.entries(params).filter(([, value]) => value !== undefined);
  return await found.predict!({
    params: found.params.parse(Object.fromEntries(given)),
    inputs: about.inputs ?? {},
    last: about.last ?? {},
    isDone: false,
  });
}

/** A model whose weights and activations outweigh the process. */
export const LARGE = modelSizes({
  ...SMALL,
  hiddenSize: 1024,
  intermediateSize: 4096,
  vocabSize: 50_000,
  layers: 16,
});

/** What training foresees. */
export async function training(
  params: Record<string, unknown>,
  tokens: Sizes = TOKENS,
  hasReference = true,
  model = MODEL,
) {
  const reference = hasReference ? [{ files: 1 }] : [];
  const inputs = { model: [model], tokens: [tokens], reference };
  const { work, memory, outputs } = await predict("train", { ...TRAIN, ...params }, { inputs });
  return { amount: work!.amount, work: work!, bytes: totalBytes(memory)!, outputs };
}
