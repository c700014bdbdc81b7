import { z } from "../core/zod.ts";
import { defineStage } from "../pipeline/stage.ts";
import { FAMILIES } from "../train/models/families.ts";

const size = (describe: string) => z.int().min(1).describe(describe);

const params = z.strictObject({
  family: z.enum(FAMILIES).default("llama").describe("Decoder architecture"),
  hiddenSize: size("Width of the residual stream"),
  intermediateSize: size("Width inside the MLP"),
  layers: size("Decoder layers"),
  heads: size("Attention heads"),
  keyValueHeads: size("Heads of keys and values; as many as heads unless given").optional(),
  headDim: size("Features of a head; hiddenSize / heads unless given").optional(),
  tiedEmbeddings: z.boolean().describe("Whether the output projection is the embedding"),
  maxPositions: size("Longest sequence that the config declares").default(2048),
  ropeTheta: z.number().positive().default(10000).describe("Base of the rotary frequencies"),
  normEpsilon: z.number().positive().default(1e-6).describe("Epsilon of the RMS norms"),
  initializerRange: z.number().positive().default(0.02)
    .describe("Standard deviation of the initial matrices"),
  seed: z.int().min(0).describe("Seed of the initial weights"),
});

export default defineStage<z.infer<typeof params>>({
  name: "initialize",
  describe: "Begin a language model with random weights for a tokenizer's vocabulary",
  params,
  inputs: { tokenizer: { type: "tokenizer" } },
  outputs: { model: { type: "model" } },
  resources: () => ({ cores: 1, memory: 500 }),
  estimateSeconds: () => 1,
  module: import.meta.url,
  async run({ params: { seed, ...shape }, input, output, log }) {
    const { loadTokenizer } = await import("../data/tokenizer/tokenizer.ts");
    const { parseModelConfig } = await import("../train/models/config.ts");
    const { formatModelConfig } = await import("../train/models/config_format.ts");
    const { saveTokenizerFiles } = await import("../data/tokenizer/tokenizer_files.ts");
    const { initializeModel, saveModel } = await import("../train/models/model.ts");
    const { parameterCount } = await import("../train/models/parameters.ts");
    const tokenizer = await loadTokenizer(input("tokenizer").path);
    const config = {
      ...shape,
      keyValueHeads: shape.keyValueHeads ?? shape.heads,
      headDim: shape.headDim ?? shape.hiddenSize / shape.heads,
      slidingWindow: null,
      vocabSize: tokenizer.vocabSize,
      bosTokenId: tokenizer.bosId,
      eosTokenIds: tokenizer.eosId === null ? [] : [tokenizer.eosId],
      padTokenId: tokenizer.padId,
      generation: {},
    };
    // Through the parser, so that a shape that could not be loaded again is refused here.
    const checked = parseModelConfig(formatModelConfig(config), "initialize");
    const model = initializeModel(checked, seed);
    await saveModel(model, output("model"));
    await saveTokenizerFiles(input("tokenizer").path, output("model"));
    log(`${checked.family}, ${parameterCount(checked)} parameters, ${checked.vocabSize} tokens`);
  },
});
