import { z } from "zod";
import { defineStage } from "../pipeline/stage.ts";
import { decodingOf, generationParams } from "./generation_params.ts";
import { modelFacts } from "./model_facts.ts";

const params = z.strictObject({
  ...generationParams,
  limit: z.int().min(1).optional().describe(
    "Prompts to reply to, from the start of the pairs, each prompt once; all if absent",
  ),
  stream: z.string().min(1).default("generate")
    .describe("Systems under different names draw independent replies, such as $method"),
});

export default defineStage<z.infer<typeof params>>({
  name: "generate",
  describe: "Let a model reply to the prompts of pairs, greedily or drawing",
  params,
  inputs: {
    policy: { type: "model", describe: "With a tokenizer, whose chat template is used" },
    pairs: {
      type: "pairs",
      decides: "table",
      describe: "Held-out pairs: their prompts, and replies to compare with",
    },
  },
  outputs: { replies: { type: "replies" } },
  resources: ({ threads }) => ({ cores: threads, native: ["onnxruntime"] }),
  facts: modelFacts,
  estimateSeconds: () => 60,
  module: import.meta.url,
  async run({ params, input, output, signal, progress, log, warn }) {
    const { messagesOf } = await import("../data/pair.ts");
    const { distinctPrompts, readPairs } = await import("../data/pairs_file.ts");
    const { describeTruncation, replyToPrompts } = await import(
      "../eval/reply_to_prompts.ts"
    );
    const { writeReplies } = await import("../eval/reply_rows.ts");
    const { describeRunOns } = await import("../eval/run_ons.ts");
    const { loadTokenizer } = await import("../data/tokenizer/tokenizer.ts");
    const { openWriter } = await import("./open_writer.ts");
    const pairs = await distinctPrompts(readPairs(input("pairs").path), params.limit);
    const { path } = input("policy");
    const tokenizer = await loadTokenizer(path);
    await using writer = await openWriter(path, { ...params, tokenizer });
    log(`computed by ${writer.runtime}`);
    const decoding = decodingOf(params, params.stream);
    const replied = await replyToPrompts(writer, {
      ...params,
      prompts: pairs,
      samples: 1,
      decoding,
      signal,
      onProgress: (done) => progress({ done, total: pairs.length, unit: "replies" }),
    });
    const rows = pairs.map(({ id, prompt, chosen }, i) => {
      const { promptTokens, replies: [{ tokens, ...reply }] } = replied[i];
      const counts = { tokens: tokens.length, promptTokens: promptTokens.length };
      return { id, prompt: messagesOf(prompt), ...reply, ...counts, chosen };
    });
    await writeReplies(output("replies"), rows, {
      decoding,
      sequences: replied.map(({ promptTokens, replies: [{ tokens }] }) => ({
        prompt: promptTokens,
        reply: tokens,
      })),
    });
    const cut = describeTruncation(replied);
    if (cut !== null) warn(cut);
    const ended = rows.filter(({ stop }) => stop === "end").length;
    log(`${rows.length} replies, ${ended} of them end by themselves`);
    const runOns = describeRunOns(rows);
    if (runOns !== null) log(runOns);
  },
});
