import { z } from "../core/zod.ts";
import { defineStage } from "../pipeline/stage.ts";

const count = (describe: string) => z.int().min(1).describe(describe);

const params = z.strictObject({
  seed: z.int().min(0).describe("Seed of every draw"),
  demonstrations: count("Demonstrations for the reference model"),
  trainPrompts: count("Different prompts on which pairs are collected").max(100000),
  validationPrompts: count("Held-out prompts for choosing a stopping point"),
  testPrompts: count("Held-out prompts for the table"),
});

export default defineStage<z.infer<typeof params>>({
  name: "world",
  describe: "Draw the synthetic preference world: tokenizer, demonstrations and prompts",
  params,
  inputs: {},
  outputs: {
    tokenizer: { type: "tokenizer" },
    demonstrations: { type: "pairs", describe: "Prompts of the training split with one reply" },
    trainPrompts: { type: "prompts" },
    validationPrompts: { type: "prompts" },
    testPrompts: { type: "prompts" },
  },
  resources: () => ({ cores: 1, memory: 300 }),
  estimateSeconds: ({ demonstrations }) => 0.5 + demonstrations / 100000,
  module: import.meta.url,
  async run({ params, output }) {
    const { drawDemonstrations, drawPrompts } = await import("../data/world/world.ts");
    const { writeWorldTokenizer } = await import("../data/world/tokenizer.ts");
    const { writePairs, writePrompts } = await import("../data/pairs_file.ts");
    const { seed } = params;
    await writeWorldTokenizer(output("tokenizer"));
    await writePairs(output("demonstrations"), drawDemonstrations(seed, params.demonstrations));
    for (const split of ["train", "validation", "test"] as const) {
      const port = `${split}Prompts` as const;
      await writePrompts(output(port), drawPrompts(seed, split, params[port]));
    }
  },
});
