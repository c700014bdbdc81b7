import { z } from "../core/zod.ts";
import type { PromptReply, ReplyScorer } from "../eval/score_pairs.ts";
import { defineStage, type StageContext } from "../pipeline/stage.ts";
import {
  deviceParams,
  fusedAttentionParam,
  fusedOnGpu,
  ON_DEVICE,
  tf32OfGpu,
} from "./device_params.ts";

const params = z.strictObject({
  threads: z.int().min(1).describe("Threads of the model"),
  ...deviceParams,
  fusedAttention: fusedAttentionParam,
  examples: z.int().min(0).default(10).describe("Replies kept for people to read"),
}).refine(...tf32OfGpu).refine(...fusedOnGpu);

type Params = z.infer<typeof params>;

export default defineStage<Params>({
  name: "measure",
  describe: "Measure what a policy prefers on held-out pairs, and how it replies; no judge",
  params,
  inputs: {
    policy: {
      type: "model",
      optional: true,
      describe: "The reference itself, which is not scored again, unless wired",
    },
    pairs: { type: "tokens", decides: "table", describe: "Held-out pairs" },
    reference: { type: "logps", describe: "The reference's log-probs of the same pairs" },
    replies: { type: "replies", optional: true, describe: "What the policy replied to prompts" },
    referenceModel: {
      type: "model",
      optional: true,
      describe: "Scores the policy's replies, for the KL, where they were drawn at temperature 1",
    },
  },
  outputs: { evaluation: { type: "evaluation" } },
  ...ON_DEVICE,
  estimateSeconds: () => 20,
  module: import.meta.url,
  async run(context) {
    const { params, input, inputs, output, log } = context;
    const { metricSample, writeEvaluation } = await import("../eval/evaluation.ts");
    const { measurePairs } = await import("../eval/measure_pairs.ts");
    const { describeKl, logRatios } = await import("../eval/reply_kl.ts");
    const { measureReplies, readReplies } = await import("../eval/reply_rows.ts");
    const { readTokens } = await import("../data/store/read_tokens.ts");
    const { readLogps } = await import("../train/logps_file.ts");
    const pairs = await readTokens(input("pairs").path);
    const reference = await readLogps(input("reference").path);
    const [replies] = inputs("replies");
    const written = replies && measureReplies(await readReplies(replies.path), params);
    const own = await repliesForKl(context);
    const [policy] = inputs("policy");
    const { prefers, logps } = policy === undefined
      ? { prefers: await measurePairs({ score: null, pairs, reference }), logps: null }
      : await scoredBy(policy.path, context, async (score) => ({
        prefers: await measurePairs({ score, pairs, reference }),
        logps: own && await score(own),
      }));
    // The reference's own KL is 0, whatever it replied.
    const kl = own && (logps === null ? own.map(() => 0) : logRatios(
      logps,
      await scoredBy(inputs("referenceModel")[0].path, context, (score) => score(own)),
    ));
    const evaluation = {
      itemSets: { ...prefers.itemSets, ...written?.itemSets },
      metrics: {
        ...prefers.metrics,
        ...written?.metrics,
        ...(kl && { kl: { over: "replies", values: kl } }),
      },
      examples: written?.examples ?? [],
    };
    await writeEvaluation(output("evaluation"), evaluation);
    const sample = metricSample(evaluation, "kl");
    if (sample !== null) log(describeKl(sample));
  },
});

/** The replies whose log-probs tell the KL to the reference; null, and says why, where they do not. */
async function repliesForKl(
  { inputs, log }: Pick<StageContext<Params>, "inputs" | "log">,
): Promise<readonly PromptReply[] | null> {
  const [replies] = inputs("replies");
  if (replies === undefined) return null;
  const { whyNoKl } = await import("../eval/reply_kl.ts");
  const { readReplyTokens } = await import("../eval/reply_tokens.ts");
  const { decoding, sequences } = await readReplyTokens(replies.path);
  const isScored = inputs("policy").length === 0 || inputs("referenceModel").length > 0;
  const why = whyNoKl(decoding) ?? (isScored ? null : "no referenceModel is wired");
  if (why === null) return sequences;
  log(`no KL to the reference, which takes replies drawn at temperature 1 from all tokens: ${why}`);
  return null;
}

/** Uses a model that is open no longer than that: policy and reference are not held together. */
async function scoredBy<T>(
  folder: string,
  { params, signal, progress, log }: StageContext<Params>,
  use: (score: ReplyScorer) => Promise<T>,
): Promise<T> {
  const { openScoredModel } = await import("./open_policy.ts");
  await using model = await openScoredModel(folder, {
    ...params,
    signal,
    onProgress: (done, total) => progress({ done, total, unit: "replies" }),
  });
  log(`computed by ${model.runtime}`);
  return await use(model.score);
}
