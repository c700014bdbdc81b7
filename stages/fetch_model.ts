import { z } from "zod";
import { defineStage } from "../pipeline/stage.ts";
import { downloadHosts, hubResources, hubSettings, revision } from "./hub_params.ts";

const params = z.strictObject({
  model: z.string().min(1).describe(
    "Repository on the hub, such as HuggingFaceTB/SmolLM2-135M-Instruct",
  ),
  revision,
  file: z.string().endsWith(".gguf").optional().describe(
    "A GGUF file of the repository; without it config, tokenizer and safetensors are taken",
  ),
  downloadHosts,
});

export default defineStage<z.infer<typeof params>>({
  name: "fetch-model",
  describe: "Fetch a model from the Hugging Face hub at a pinned revision",
  params,
  inputs: {},
  outputs: { model: { type: "model", describe: "a Hugging Face folder, or one with a GGUF file" } },
  resources: (params) => ({ cores: 1, memory: 300, ...hubResources(params) }),
  estimateSeconds: () => 60,
  module: import.meta.url,
  async run({ params, output, cache, signal, progress, log, warn }) {
    const { fetchModel } = await import("../data/hub/fetch_repository.ts");
    const { openAccess } = await import("../data/hub/hub_fetch.ts");
    const { commit, files } = await fetchModel(params, {
      folder: output("model"),
      cache: cache("hub"),
      access: openAccess(hubSettings(), { signal, moreHosts: params.downloadHosts }),
      onProgress: (done, total) => progress({ ...inMegabytes(done, total), unit: "MB" }),
      warn,
    });
    const bytes = files.reduce((sum, { size }) => sum + size, 0);
    log(`${params.model}@${commit}: ${files.length} files, ${(bytes / 1e6).toFixed(1)} MB`);
  },
});

function inMegabytes(done: number, total: number) {
  return { done: Math.floor(done / 1e6), total: Math.ceil(total / 1e6) };
}
