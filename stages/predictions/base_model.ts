import { InputError } from "../../core/problem.ts";
import type { Sizes, Work } from "../../pipeline/prediction.ts";
import { countWeights } from "../../train/costs/arithmetic.ts";
import { copyingMemory } from "../../train/costs/memory.ts";
import { modelSizes, shapeOf } from "../../train/costs/model_sizes.ts";
import type baseModel from "../base_model.ts";
import type { ParamsOf, PredictOf } from "./params_of.ts";
import { ASSUMED, loadingSeconds } from "./speeds.ts";

/** Bytes of a weight as models are published: bfloat16. */
const PUBLISHED_BYTES = 2;

/** A model as the recipe expects it, else as its config or GGUF header says, else as last time. */
export const predictBaseModel: PredictOf<typeof baseModel> = async ({ params, last }) => {
  const { expects } = params;
  const model = expects === undefined ? await readSizes(params) ?? last.model : modelSizes(expects);
  const shape = shapeOf(model);
  if (model === undefined || shape === null) return {};
  const tokenizer = last.tokenizer ?? { vocabSize: shape.vocabSize };
  const { all } = countWeights(shape);
  return {
    outputs: { model, tokenizer },
    work: workOf(params, all),
    memory: copyingMemory(shape, { isDequantised: isGguf(params) }),
  };
};

/** What the head of a file tells; undefined where it cannot be read, as running will say. */
async function readSizes({ path }: ParamsOf<typeof baseModel>): Promise<Sizes | undefined> {
  if (typeof path !== "string") return undefined;
  const { loadModelConfig } = await import("../../train/models/model.ts");
  try {
    return modelSizes(await loadModelConfig(path));
  } catch (error) {
    if (error instanceof InputError) return undefined;
    throw error;
  }
}

function isGguf({ path, hub }: ParamsOf<typeof baseModel>): boolean {
  return hub?.file !== undefined || (typeof path === "string" && path.endsWith(".gguf"));
}

/** Downloading, or reading and writing, and digesting what was written. */
function workOf(params: ParamsOf<typeof baseModel>, weights: number): Work {
  const written = (isGguf(params) ? 4 : PUBLISHED_BYTES) * weights;
  const isThere = params.hub === undefined;
  return {
    amount: PUBLISHED_BYTES * weights,
    unit: isThere ? "copied bytes" : "downloaded bytes",
    perSecond: isThere ? ASSUMED.copiedBytes : ASSUMED.downloadedBytes,
    startSeconds: loadingSeconds({ models: 0, loadedBytes: 0, writtenBytes: written }),
    like: isThere ? "copy" : "download",
    scale: 1,
  };
}
