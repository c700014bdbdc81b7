import { z } from "zod";
import { defineStage } from "../pipeline/stage.ts";

const params = z.strictObject({
  maxLength: z.int().min(2).describe("Most tokens of prompt and reply together"),
  maxPromptLength: z.int().min(1).describe("Last tokens that a prompt keeps in a pair too long"),
  dropIdentical: z.boolean().default(false).describe(
    "Leave out pairs whose replies are the same once truncated",
  ),
  chosenOnly: z.boolean().default(false).describe(
    "Leave out the rejected replies: demonstrations to fine-tune on",
  ),
}).refine(({ maxLength, maxPromptLength }) => maxPromptLength < maxLength, {
  path: ["maxPromptLength"],
  error: "must be below maxLength",
});

export default defineStage<z.infer<typeof params>>({
  name: "tokenize",
  describe: "Turn pairs into token ids, truncated as the paper's trainer did it",
  params,
  inputs: { pairs: { type: "pairs" }, tokenizer: { type: "tokenizer" } },
  outputs: { tokens: { type: "tokens" } },
  resources: () => ({ cores: 1, memory: 600, native: ["duckdb"] }),
  estimateSeconds: () => 4,
  module: import.meta.url,
  async run({ params, input, output, log }) {
    const { tokenizePairs } = await import("../data/tokenize_pairs.ts");
    const summary = await tokenizePairs({
      pairs: input("pairs").path,
      tokenizer: input("tokenizer").path,
      folder: output("tokens"),
      ...params,
    });
    log(summary);
  },
});
