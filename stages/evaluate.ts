import { z } from "../core/zod.ts";
import { defineStage } from "../pipeline/stage.ts";
import {
  computingOf,
  deviceParams,
  fusedAttentionParam,
  fusedOnGpu,
  ON_DEVICE,
  tf32OfGpu,
} from "./device_params.ts";

const count = (describe: string) => z.int().min(1).describe(describe);

const params = z.strictObject({
  seed: z.int().min(0).describe("Seed of the sampled replies"),
  stream: z.string().min(1)
    .describe("Systems under different names draw independent replies, such as $method"),
  threads: count("Threads of the models"),
  ...deviceParams,
  fusedAttention: fusedAttentionParam,
  temperature: z.number().gt(0).default(1).describe("Temperature of the sampled replies"),
  topP: z.number().gt(0).max(1).default(1).describe("Nucleus of the sampled replies; 1 for all"),
  maxNewTokens: count("Most tokens of a reply, its end token included"),
  examples: z.int().min(0).default(100).describe("Replies kept for people to read"),
}).refine(...tf32OfGpu).refine(...fusedOnGpu);

export default defineStage<z.infer<typeof params>>({
  name: "evaluate",
  describe: "Evaluate a policy in the synthetic world: gold reward, KL, held-out preferences",
  params,
  inputs: {
    policy: { type: "model" },
    reference: { type: "model" },
    prompts: {
      type: "prompts",
      decides: "table",
      describe: "Prompts of the table, never trained or chosen on",
    },
    pairs: { type: "tokens", decides: "table", describe: "Held-out pairs" },
    outOfCoverage: {
      type: "tokens",
      decides: "table",
      optional: true,
      describe: "Covered against run-on replies",
    },
  },
  outputs: {
    evaluation: { type: "evaluation" },
    replies: { type: "replies", describe: "The sampled ones, one a prompt" },
  },
  ...ON_DEVICE,
  estimateSeconds: () => 3,
  module: import.meta.url,
  async run({ params, input, inputs, output, signal, log, warn }) {
    const { evaluateWorld } = await import("../eval/evaluate_world.ts");
    const { writeEvaluation } = await import("../eval/evaluation.ts");
    const { writeReplies } = await import("../eval/reply_rows.ts");
    const { openPolicy, openScoredModel } = await import("./open_policy.ts");
    const { readWorldPrompts, worldReplies } = await import("../eval/world_prompts.ts");
    const { readTokens } = await import("../data/store/read_tokens.ts");
    const { whyNoKl } = await import("../eval/reply_kl.ts");
    const { seed, stream, temperature, topP } = params;
    const sampling = { seed, stream, temperature, topP };
    const computing = computingOf(params);
    const why = whyNoKl(sampling);
    if (why !== null) {
      warn(`what stands as KL is none, which takes replies drawn at temperature 1: ${why}`);
    }
    await using policy = await openPolicy(input("policy").path, computing);
    log(`computed by ${policy.runtime}`);
    await using reference = await openScoredModel(input("reference").path, computing);
    const outOfCoverage = await Promise.all(
      inputs("outOfCoverage").map(({ path }) => readTokens(path)),
    );
    const { evaluation, replies, replyTokens } = await evaluateWorld({
      ...params,
      ...worldReplies(policy.tokenizer),
      policy,
      reference,
      prompts: await readWorldPrompts(input("prompts").path, policy.tokenizer),
      sampling,
      pairs: await readTokens(input("pairs").path),
      outOfCoverage: outOfCoverage.flat(),
      signal,
    });
    await writeEvaluation(output("evaluation"), evaluation);
    await writeReplies(output("replies"), replies, replyTokens);
    log(`${evaluation.itemSets.prompts.items.length} prompts`);
  },
});
