import { z } from "../core/zod.ts";
import { pathParam } from "../pipeline/path_param.ts";
import { defineStage } from "../pipeline/stage.ts";
import { modelAndPairs } from "./command_logps.ts";
import { openTokenizer, tokenizerParams } from "./command_tokenizer.ts";
import { deviceParams, modelResources, tf32OfGpu } from "./device_params.ts";
import { decodingOf, generationParams } from "./generation_params.ts";

const params = z.strictObject({
  model: modelAndPairs.model,
  adapter: modelAndPairs.adapter,
  ...tokenizerParams,
  prompts: pathParam({ kind: "file", describe: "rows {prompt} as JSON lines" }),
  system: z.string().min(1).optional(),
  samples: z.int().min(1),
  ...generationParams,
  ...deviceParams,
}).refine(...tf32OfGpu);

/** What `ballast generate` runs in a worker: no part of any recipe. */
export default defineStage<z.infer<typeof params>>({
  name: "command-generate",
  describe: "Let a model reply to a file of prompts",
  params,
  inputs: {},
  outputs: { replies: { type: "texts" } },
  resources: (params) => ({
    ...modelResources(params),
    memory: 4096,
    native: ["onnxruntime"],
  }),
  module: import.meta.url,
  async run({ params, output, signal, progress, log, warn }) {
    const { readPromptRows } = await import("../data/sources/prompt_rows.ts");
    const { describeTruncation, replyToPrompts, withSystem } = await import(
      "../eval/reply_to_prompts.ts"
    );
    const { openWriter } = await import("./open_writer.ts");
    const { samples, system } = params;
    const rows = await readPromptRows(params.prompts);
    // Numbered, so that what is drawn hangs on no file's name.
    const prompts = rows.map((row, i) => ({ id: `prompt ${i + 1}`, ...row }));
    const asked = system === undefined ? prompts : withSystem(prompts, system);
    await using writer = await openWriter(params.model, {
      ...params,
      tokenizer: await openTokenizer(params, warn),
    });
    log(`computed by ${writer.runtime}`);
    const replied = await replyToPrompts(writer, {
      ...params,
      prompts: asked,
      decoding: decodingOf(params, "generate"),
      signal,
      onProgress: (done) => progress({ done, total: prompts.length * samples, unit: "replies" }),
    });
    const cut = describeTruncation(replied);
    if (cut !== null) log(cut);
    const { describeRunOns } = await import("../eval/run_ons.ts");
    const runOns = describeRunOns(
      replied.flatMap(({ replies }, i) =>
        replies.map(({ runOn }) => ({ id: prompts[i].where, runOn }))
      ),
    );
    if (runOns !== null) log(runOns);
    const lines = prompts.flatMap(({ prompt }, i) =>
      replied[i].replies.map(({ text, tokens, stop }) =>
        `${JSON.stringify({ prompt, text, tokens: tokens.length, stop })}\n`
      )
    );
    await Deno.writeTextFile(`${output("replies")}/replies.jsonl`, lines.join(""));
  },
});
