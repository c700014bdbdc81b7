import { z } from "../core/zod.ts";
import { collectProblems, refuseProblems } from "../core/problem.ts";
import { pathParam } from "../pipeline/path_param.ts";
import { defineStage, type StageContext } from "../pipeline/stage.ts";
import { expectedModel, unexpectedShape } from "./expected_model.ts";
import { requireTokens } from "./require_tokens.ts";
import { downloadHosts, hubResources, hubSettings, revision } from "./hub_params.ts";

const hub = z.strictObject({
  model: z.string().min(1).describe(
    "Repository on the hub, such as HuggingFaceTB/SmolLM2-135M-Instruct",
  ),
  revision,
  file: z.string().endsWith(".gguf").optional().describe(
    "A GGUF file of the repository; without it config, tokenizer and safetensors are taken",
  ),
  downloadHosts,
});

const params = z.strictObject({
  path: pathParam({ kind: "either", describe: "A Hugging Face folder or a GGUF file" }).optional(),
  hub: hub.optional().describe("A model of the Hugging Face hub, instead of path"),
  tokenizer: pathParam({ kind: "either", describe: "A Hugging Face folder or a GGUF file" })
    .optional().describe("Where its tokenizer is, instead of with the model"),
  chatTemplate: pathParam({ kind: "file", describe: "A file of Jinja" }).optional()
    .describe("A chat template instead of the tokenizer's own"),
  expects: expectedModel.optional()
    .describe("Its shape, for a plan before it is there; another model is refused"),
}).refine(({ path, hub }) => path !== undefined || hub !== undefined, {
  path: ["path"],
  error: "a Hugging Face folder or a GGUF file, or hub: {model, revision}",
}).refine(({ path, hub }) => path === undefined || hub === undefined, {
  path: ["hub"],
  error: "either path or hub, not both",
});

type Params = z.infer<typeof params>;

export default defineStage<Params>({
  name: "base-model",
  describe: "Take a trained model from a folder, a GGUF file or the hub, with its tokenizer",
  params,
  inputs: {},
  outputs: {
    model: { type: "model", describe: "a Hugging Face folder; weights of a GGUF file as float32" },
    tokenizer: { type: "tokenizer" },
  },
  resources: ({ hub }) => ({
    cores: 1,
    ...(hub === undefined ? {} : hubResources(hub)),
  }),
  estimateSeconds: ({ hub }) => hub === undefined ? 5 : 60,
  module: import.meta.url,
  async run(context) {
    const { params, output, log, warn } = context;
    const { copyModel } = await import("../train/models/copy_model.ts");
    const { loadModelConfig } = await import("../train/models/model.ts");
    const { saveBaseCard } = await import("../train/models/save_base_card.ts");
    const { loadTokenizer } = await import("../data/tokenizer/tokenizer.ts");
    const { saveTokenizerFiles } = await import("../data/tokenizer/tokenizer_files.ts");
    const { saveBaseSource } = await import("../train/models/base_source.ts");
    const { path: source, commit } = params.path === undefined
      ? await fetched(context, params.hub!)
      : { path: params.path, commit: null };
    // What cannot be used later is refused here, by the source's own names and before it is copied.
    const { tokenizer = source, chatTemplate: template } = params;
    const { vocabSize, remarks } = await loadTokenizer(tokenizer, { template });
    const config = await loadModelConfig(source);
    const { expects } = params;
    await collectProblems([
      () => refuseProblems(expects === undefined ? [] : unexpectedShape(expects, config, source)),
      () => requireTokens({ path: tokenizer, vocabSize }, config),
    ]);
    remarks.forEach(warn);
    await copyModel(source, output("model"));
    await saveBaseCard(source, output("model"));
    await saveBaseSource({ from: source, commit }, output("model"));
    for (const port of ["model", "tokenizer"]) {
      await saveTokenizerFiles(tokenizer, output(port), { template });
    }
    log(`${config.family}, ${config.layers} layers of ${config.hiddenSize}, ${vocabSize} tokens`);
  },
});

/** The model's folder or GGUF file in the cache, once it has been fetched, and its commit. */
async function fetched(
  { cache, signal, progress, log, warn }: StageContext<Params>,
  model: z.infer<typeof hub>,
): Promise<{ path: string; commit: string }> {
  const { fetchModel } = await import("../data/hub/fetch_repository.ts");
  const { openAccess } = await import("../data/hub/hub_fetch.ts");
  const { commit, path, files } = await fetchModel(model, {
    cache: cache("hub"),
    access: openAccess(hubSettings(), { signal, moreHosts: model.downloadHosts }),
    onProgress: (done, total) => progress({ ...inMegabytes(done, total), unit: "MB" }),
    warn,
  });
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  log(`${model.model}@${commit}: ${files.length} files, ${(bytes / 1e6).toFixed(1)} MB`);
  return { path, commit };
}

function inMegabytes(done: number, total: number) {
  return { done: Math.floor(done / 1e6), total: Math.ceil(total / 1e6) };
}
