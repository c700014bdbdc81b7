import { z } from "../core/zod.ts";
import { defineStage } from "../pipeline/stage.ts";
import { modelAndPairs } from "./command_logps.ts";
import { openTokenizer, tokenizerParams } from "./command_tokenizer.ts";

const HOST = /^[0-9A-Za-z.:-]+$/;

const params = z.strictObject({
  model: modelAndPairs.model,
  adapter: modelAndPairs.adapter,
  ...tokenizerParams,
  host: z.string().regex(HOST, "a name or address of this machine"),
  /** What else this machine is called. */
  names: z.array(z.string()),
  port: z.int().min(0).max(65535),
  modelName: z.string().min(1),
  maxTokens: z.int().min(1).optional(),
  threads: z.int().min(1),
});

/**
 * What `ballast serve-model` runs in a worker: no part of any recipe. It may listen on its host and
 * reach nothing else; it measures `{ port }` when it is ready, and ends when it is stopped.
 */
export default defineStage<z.infer<typeof params>>({
  name: "command-serve-model",
  describe: "Answer requests in OpenAI's form by a model",
  params,
  inputs: {},
  outputs: {},
  resources: ({ threads, host }) => ({
    cores: threads,
    memory: 4096,
    native: ["onnxruntime"],
    network: [hostInAddress(host)],
  }),
  module: import.meta.url,
  async run({ params, signal, measure, log, warn }) {
    const { mergeAdapterInto, loadAdapter } = await import("../train/models/adapter.ts");
    const { openDecoder } = await import("../train/models/decoder.ts");
    const { loadModel } = await import("../train/models/model.ts");
    const { openSequenceReader } = await import("../train/models/sequence_reader.ts");
    const { endTokens } = await import("../eval/reply_to_prompts.ts");
    const { serveModel } = await import("../eval/serve/serve_model.ts");
    const { adapter, host, names, port, modelName, maxTokens = null, threads } = params;
    const tokenizer = await openTokenizer(params, warn);
    const model = await loadModel(params.model);
    endTokens(tokenizer, model.config);
    if (adapter !== undefined) mergeAdapterInto(model, await loadAdapter(adapter, model.config));
    await using opened = new AsyncDisposableStack();
    const decoder = opened.adopt(await openDecoder(model, { threads }), (it) => it.release());
    const reader = opened.adopt(await openSequenceReader(model, { threads }), (it) => it.release());
    log(`computed by ${decoder.runtime}`);
    await serveModel({
      model: { config: model.config, tokenizer, decoder, reader, name: modelName, maxTokens },
      host,
      names,
      port,
      signal,
      now: Date.now,
      newId: () => crypto.randomUUID(),
      drawSeed: () => crypto.getRandomValues(new Uint32Array(1))[0],
      onReady: (port) => measure({ port }),
      onFault: (error) => warn(error instanceof Error ? error.stack ?? error.message : `${error}`),
    });
  },
});

/** A host as addresses write it: `[::1]`. */
export function hostInAddress(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
