import { z } from "../core/zod.ts";
import { pathParam } from "../pipeline/path_param.ts";
import { defineStage } from "../pipeline/stage.ts";
import type { CardFacts } from "../reports/cards/card_facts.ts";
import { STORAGE_DTYPES } from "../train/models/storage_dtype.ts";
import { requireTokens } from "./require_tokens.ts";

const params = z.strictObject({
  model: pathParam({ kind: "either", describe: "a Hugging Face folder or a GGUF file" }),
  adapter: pathParam({ kind: "folder", describe: "a folder with a LoRA adapter of PEFT's" })
    .optional(),
  merge: z.boolean().describe("write the model with the adapter's sums in its weights"),
  tokenizer: pathParam({ kind: "either", describe: "a Hugging Face folder or a GGUF file" })
    .optional(),
  dtype: z.enum(STORAGE_DTYPES),
  maxShardBytes: z.int().min(1),
  card: z.custom<Omit<CardFacts, "weights">>((card) => typeof card === "object" && card !== null)
    .describe("what the cards say but for the weights"),
}).refine(({ adapter, merge }) => adapter !== undefined || !merge, {
  path: ["merge"],
  error: "--adapter beside it",
});

type Params = z.infer<typeof params>;

/** What `ballast export` runs in a worker: no part of any recipe. */
export default defineStage<Params>({
  name: "command-export",
  describe: "Write a model or an adapter as a Hugging Face folder with its cards",
  params,
  inputs: {},
  outputs: { model: { type: "weights" } },
  resources: () => ({ cores: 1, memory: 4096 }),
  module: import.meta.url,
  async run({ params, output, warn }) {
    const { modelCard, MODEL_CARD } = await import("../reports/cards/model_card.ts");
    const { dataCard, DATA_CARD } = await import("../reports/cards/data_card.ts");
    const folder = output("model");
    await checkTokenizer(params);
    const weights = params.adapter === undefined || params.merge
      ? await writeModel(params, folder, warn)
      : await writeAdapter({ ...params, adapter: params.adapter }, folder, warn);
    await Deno.writeTextFile(`${folder}/${MODEL_CARD}`, modelCard({ ...params.card, weights }));
    const data = dataCard(params.card.training);
    if (data !== null) await Deno.writeTextFile(`${folder}/${DATA_CARD}`, data);
  },
});

/** Refuses a tokenizer that is named and has more tokens than the model, before minutes of work. */
async function checkTokenizer({ model, tokenizer }: Params): Promise<void> {
  if (tokenizer === undefined) return;
  const { vocabularySize } = await import("../data/tokenizer/vocabulary_size.ts");
  const { loadModelConfig } = await import("../train/models/model.ts");
  const vocabSize = await vocabularySize(tokenizer);
  requireTokens({ path: tokenizer, vocabSize }, await loadModelConfig(model));
}

/**
 * Writes the tokenizer, also beside an adapter alone: it may have another chat template than the base's own.
 *
 * @returns whether there is a chat template
 */
async function writeTokenizer(
  { model, tokenizer }: Params,
  folder: string,
  warn: (message: string) => void,
): Promise<boolean> {
  const { exportTokenizer } = await import("../data/tokenizer/export_tokenizer.ts");
  const { loadModelConfig } = await import("../train/models/model.ts");
  const { family } = await loadModelConfig(model);
  const { hasChatTemplate, remarks } = await exportTokenizer(tokenizer ?? model, folder, family);
  remarks.forEach(warn);
  return hasChatTemplate;
}

async function writeModel(
  params: Params,
  folder: string,
  warn: (message: string) => void,
): Promise<CardFacts["weights"]> {
  const { loadModel, saveModel } = await import("../train/models/model.ts");
  const { loadAdapter, mergeAdapterInto } = await import("../train/models/adapter.ts");
  const { parameterCount } = await import("../train/models/parameters.ts");
  const hasChatTemplate = await writeTokenizer(params, folder, warn);
  const model = await loadModel(params.model);
  const { config } = model;
  const adapter = params.adapter === undefined
    ? undefined
    : await loadAdapter(params.adapter, config);
  if (adapter !== undefined) mergeAdapterInto(model, adapter);
  await saveModel(model, folder, params);
  return {
    family: config.family,
    parameters: parameterCount(config),
    dtype: params.dtype,
    adapter: adapter === undefined ? null : { ...adapter.config, merged: true },
    hasChatTemplate,
  };
}

async function writeAdapter(
  params: Params & { readonly adapter: string },
  folder: string,
  warn: (message: string) => void,
): Promise<CardFacts["weights"]> {
  const { elementCount } = await import("../core/tensor.ts");
  const { loadModelConfig } = await import("../train/models/model.ts");
  const { loadAdapter, saveAdapter } = await import("../train/models/adapter.ts");
  const hasChatTemplate = await writeTokenizer(params, folder, warn);
  const config = await loadModelConfig(params.model);
  const adapter = await loadAdapter(params.adapter, config);
  const base = params.card.base.name ?? undefined;
  await saveAdapter(adapter, folder, { dtype: params.dtype, base });
  const sizes = [...adapter.weights.values()].map(({ dims }) => elementCount(dims));
  return {
    family: config.family,
    parameters: sizes.reduce((sum, size) => sum + size, 0),
    dtype: params.dtype,
    adapter: { ...adapter.config, merged: false },
    hasChatTemplate,
  };
}
