import { z } from "../core/zod.ts";
import { ROW_CODES } from "../data/audit_checks.ts";
import { defineStage } from "../pipeline/stage.ts";

const params = z.strictObject({
  maxLength: z.int().min(2).describe("Most tokens of prompt and reply together"),
  maxPromptLength: z.int().min(1).describe("Last tokens that a prompt keeps in a pair too long"),
  dropIdentical: z.boolean().default(false).describe(
    "Leave out pairs whose replies are the same once truncated",
  ),
  drop: z.array(z.enum(ROW_CODES)).default([]).describe(
    "Leave out pairs with these findings of the audit",
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
  inputs: {
    pairs: { type: "pairs" },
    tokenizer: { type: "tokenizer" },
    without: {
      type: "tokens",
      many: true,
      optional: true,
      describe: "Sets whose prompts are left out, also but for case and white space",
    },
  },
  outputs: { tokens: { type: "tokens", rowsOf: "pairs" } },
  resources: () => ({ cores: 1, memory: 600, native: ["duckdb", "tokenizers"] }),
  estimateSeconds: () => 4,
  module: import.meta.url,
  async run({ params, input, inputs, output, log, progress, signal }) {
    const { tokenizePairs } = await import("../data/tokenize_pairs.ts");
    const summary = await tokenizePairs({
      pairs: input("pairs").path,
      tokenizer: input("tokenizer").path,
      folder: output("tokens"),
      without: inputs("without").map(({ path }) => path),
      ...params,
      signal,
      onProgress: (done, total) => progress({ done, total, unit: "pairs" }),
    });
    log(summary);
  },
});
