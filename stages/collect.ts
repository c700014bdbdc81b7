import { z } from "../core/zod.ts";
import { defineStage } from "../pipeline/stage.ts";
import {
  computingOf,
  deviceParams,
  modelResources,
  ON_DEVICE,
  tf32OfGpu,
} from "./device_params.ts";

const count = (describe: string) => z.int().min(1).describe(describe);

const params = z.strictObject({
  seed: z.int().min(0).describe("Seed of the replies and of the annotator's noise"),
  threads: count("Threads of the model"),
  ...deviceParams,
  maxNewTokens: count("Most tokens of a reply, its end token included"),
  labelTemperature: z.number().min(0)
    .describe("Temperature of the Bradley-Terry noise on training labels; 0 for none"),
  train: z.strictObject({
    samplesPerPrompt: count("Replies sampled for a training prompt"),
    pairsPerPrompt: count("Most pairs of a training prompt"),
  }),
  heldOut: z.strictObject({
    prompts: count("Prompts taken from the head of the validation and of the test split"),
    samplesPerPrompt: count("Replies sampled for a held-out prompt"),
    pairsPerPrompt: count("Most pairs of a held-out prompt"),
    maxPairs: count("Most pairs of a held-out split"),
  }),
}).refine(...tf32OfGpu);

export default defineStage<z.infer<typeof params>>({
  name: "collect",
  describe: "Collect preference pairs of the synthetic world from a model's own replies",
  params,
  inputs: {
    model: { type: "model", describe: "The reference, whose replies are compared" },
    trainPrompts: { type: "prompts" },
    validationPrompts: { type: "prompts" },
    testPrompts: { type: "prompts" },
  },
  outputs: {
    train: {
      type: "pairs",
      rowsOf: "trainPrompts",
      describe: "With noisy labels and a coverage gap",
    },
    validation: {
      type: "pairs",
      rowsOf: "validationPrompts",
      describe: "The same without noise, for choosing when to stop",
    },
    test: {
      type: "pairs",
      rowsOf: "testPrompts",
      describe: "The same without noise, for the table",
    },
    outOfCoverage: {
      type: "pairs",
      rowsOf: "testPrompts",
      describe: "A covered reply against a worse run-on",
    },
  },
  ...ON_DEVICE,
  resources: (params) => ({ ...modelResources(params), native: ["onnxruntime"] }),
  estimateSeconds: () => 8,
  module: import.meta.url,
  async run({ params, input, output, signal, progress, log }) {
    const { collectWorld, describeCounts } = await import("../eval/collect_world.ts");
    const { openPolicy } = await import("./open_policy.ts");
    const { readWorldPrompts, worldReplies } = await import("../eval/world_prompts.ts");
    const { writePairs } = await import("../data/pairs_file.ts");
    const { train, heldOut } = params;
    await using policy = await openPolicy(input("model").path, computingOf(params));
    log(`computed by ${policy.runtime}`);
    const { tokenizer } = policy;
    const prompts = {
      train: await readWorldPrompts(input("trainPrompts").path, tokenizer),
      validation: await readWorldPrompts(
        input("validationPrompts").path,
        tokenizer,
        heldOut.prompts,
      ),
      test: await readWorldPrompts(input("testPrompts").path, tokenizer, heldOut.prompts),
    };
    const total = prompts.train.length * train.samplesPerPrompt +
      (prompts.validation.length + prompts.test.length) * heldOut.samplesPerPrompt;
    const { counts, ...pairs } = await collectWorld(policy.decoder, {
      ...params,
      ...worldReplies(tokenizer),
      prompts,
      signal,
      onProgress: (done) => progress({ done, total, unit: "replies" }),
    });
    for (const [port, rows] of Object.entries(pairs)) await writePairs(output(port), rows);
    for (const [split, each] of Object.entries(counts)) log(describeCounts(split, each));
    log(`out of coverage: ${pairs.outOfCoverage.length} pairs`);
  },
});
