import type { Predict, Sizes } from "../../pipeline/prediction.ts";
import { countWeights } from "../../train/costs/arithmetic.ts";
import { modelSizes, shapeOf } from "../../train/costs/model_sizes.ts";
import type { ExpectedModel } from "../expected_model.ts";
import { ASSUMED, loadingSeconds } from "./speeds.ts";

/** Bytes of a weight as models are published: bfloat16. */
const PUBLISHED_BYTES = 2;

/** A model given by path or from the hub: as last time, else as the recipe expects it. */
export const predictBaseModel: Predict<
  { readonly hub?: unknown; readonly expects?: ExpectedModel }
> = ({ params: { hub, expects }, last }) => {
  const model: Sizes | undefined = expects === undefined ? last.model : modelSizes(expects);
  const shape = shapeOf(model);
  if (model === undefined || shape === null) return {};
  const { all } = countWeights(shape);
  const { vocabSize } = shape;
  const outputs = { model, tokenizer: last.tokenizer ?? { vocabSize } };
  if (hub === undefined) return { outputs };
  const amount = PUBLISHED_BYTES * all;
  return {
    outputs,
    work: {
      amount,
      unit: "downloaded bytes",
      perSecond: ASSUMED.downloadedBytes,
      startSeconds: loadingSeconds({ loadedBytes: 0, writtenBytes: amount }),
      like: "download",
      scale: 1,
    },
  };
};
