import { z } from "../core/zod.ts";
import { pathParam } from "../pipeline/path_param.ts";
import { defineStage } from "../pipeline/stage.ts";

const token = (describe: string, text: string) =>
  z.string().min(1).default(text).describe(describe);

const params = z.strictObject({
  vocabSize: z.int().min(256).optional().describe("Tokens of a byte-level BPE to be trained"),
  path: pathParam({
    kind: "either",
    describe: "A given tokenizer, not trained: a folder with tokenizer.json and " +
      "tokenizer_config.json, or a GGUF file",
  }).optional(),
  chatTemplate: z.string().min(1).optional().describe(
    "Jinja text of the chat template; replaces a given tokenizer's own",
  ),
  padToken: token("Padding token of a trained tokenizer", "<pad>"),
  bosToken: token("Begin token of a trained tokenizer", "<s>"),
  eosToken: token("End token of a trained tokenizer", "</s>"),
  additionalSpecialTokens: z.array(z.string().min(1)).default([]).describe(
    "Further special tokens of a trained tokenizer, such as the template's role marks",
  ),
}).refine(({ vocabSize, path }) => (vocabSize === undefined) !== (path === undefined), {
  error: "give either vocabSize (to train a tokenizer) or path (of a given one)",
});

export default defineStage<z.infer<typeof params>>({
  name: "train-tokenizer",
  describe: "Train a byte-level BPE tokenizer on the pairs' text, or take a given one",
  params,
  inputs: {
    train: { type: "pairs", optional: true, describe: "The text to train on; needed to train" },
  },
  outputs: { tokenizer: { type: "tokenizer" } },
  checkInputs: ({ vocabSize }, { train = [] }) =>
    vocabSize === undefined || train.length > 0 ? [] : [{
      path: "vocabSize",
      message: "Expected pairs to train on, wired to the input train, but found none.",
    }],
  resources: () => ({ cores: 1, memory: 800 }),
  estimateSeconds: () => 2,
  module: import.meta.url,
  async run({ params, input, output, log, warn }) {
    const { copyTokenizer, trainTokenizer } = await import(
      "../data/tokenizer/prepare_tokenizer.ts"
    );
    const { vocabSize, path, chatTemplate = null, ...tokens } = params;
    const folder = output("tokenizer");
    const tokenizer = path !== undefined
      ? await copyTokenizer({ from: path, folder, chatTemplate })
      : await trainTokenizer({
        pairs: input("train").path,
        folder,
        vocabSize: vocabSize as number,
        chatTemplate,
        ...tokens,
      });
    tokenizer.remarks.forEach(warn);
    log(`${tokenizer.vocabSize} tokens, ${tokenizer.chatTemplate ? "with a" : "no"} chat template`);
  },
});
