import type { TokenizedPair } from "../data/pair.ts";
import { parseTask } from "../data/world/task.ts";
import type { TokenDecoder } from "../train/models/token_decoder.ts";
import type { Evaluation, ItemSet, MetricValues } from "./evaluation.ts";
import type { SeededSampling } from "./generate.ts";
import type { MetricName } from "./metrics.ts";
import {
  clusterId,
  pairItemSet,
  pairMetrics,
  type PairPreferences,
  pairPreferences,
} from "./pair_preferences.ts";
import type { ReplyRow } from "./reply_rows.ts";
import { logRatios } from "./reply_kl.ts";
import type { ReplyTokens } from "./reply_tokens.ts";
import { type ReplyScorer, scoreBothReplies } from "./score_pairs.ts";
import {
  generateJudged,
  type JudgedReply,
  replyRows,
  type WorldDecoding,
} from "./world_replies.ts";

/** What evaluating a policy in the synthetic world needs. */
export interface WorldEvaluation extends Omit<WorldDecoding, "decoding" | "samples"> {
  readonly policy: { readonly decoder: TokenDecoder; readonly score: ReplyScorer };
  readonly reference: { readonly score: ReplyScorer };
  readonly sampling: SeededSampling;
  /** Held-out pairs. */
  readonly pairs: readonly TokenizedPair[];
  /** Pairs of a covered reply and a worse run-on; empty to leave the metrics out. */
  readonly outOfCoverage: readonly TokenizedPair[];
  /** Replies kept for people to read, from the first prompts. */
  readonly examples: number;
}

/** What a policy did, and the sampled replies that it was judged by. */
export interface EvaluatedPolicy {
  readonly evaluation: Evaluation;
  /** One a prompt, in the order of the prompts. */
  readonly replies: readonly ReplyRow[];
  /** Their tokens. */
  readonly replyTokens: ReplyTokens;
}

type Metrics = Partial<Record<MetricName, MetricValues>>;

/**
 * Evaluates a policy by the gold reward of its replies (sampled and greedy), its distance from the
 * reference on its own samples, and what it prefers on held-out pairs.
 */
export async function evaluateWorld(request: WorldEvaluation): Promise<EvaluatedPolicy> {
  const { policy, prompts, pairs, outOfCoverage } = request;
  const sampled = await firstReplies(policy.decoder, { ...request, decoding: request.sampling });
  const greedy = await firstReplies(policy.decoder, { ...request, decoding: "greedy" });
  const itemSets: Record<string, ItemSet> = {
    prompts: {
      items: prompts.map(({ id }) => id),
      clusters: prompts.map(({ prompt }) => clusterId(prompt)),
    },
  };
  const sequences = sampled.map(({ tokens }, i) => ({ prompt: prompts[i].tokens, reply: tokens }));
  const metrics: Metrics = {
    ...replyMetrics(sampled, greedy),
    kl: {
      over: "prompts",
      values: logRatios(
        await policy.score(sequences),
        await request.reference.score(sequences),
      ),
    },
  };
  if (pairs.length > 0) {
    itemSets.pairs = pairItemSet(pairs);
    Object.assign(metrics, pairMetrics(pairs, await preferences(request, pairs), "pairs"));
  }
  if (outOfCoverage.length > 0) {
    itemSets.outOfCoverage = pairItemSet(outOfCoverage);
    const { accuracy, margin } = await preferences(request, outOfCoverage);
    metrics.outOfCoverageAccuracy = { over: "outOfCoverage", values: accuracy };
    metrics.outOfCoverageMargin = { over: "outOfCoverage", values: margin };
  }
  const examples = prompts.slice(0, request.examples).map(({ id, prompt }, i) => ({
    id,
    prompt,
    category: parseTask(prompt).name,
    text: sampled[i].text,
    score: sampled[i].gold,
  }));
  return {
    evaluation: { itemSets, metrics, examples },
    replies: replyRows(prompts, sampled),
    replyTokens: { decoding: request.sampling, sequences },
  };
}

async function firstReplies(
  decoder: TokenDecoder,
  request: WorldDecoding,
): Promise<JudgedReply[]> {
  return (await generateJudged(decoder, { ...request, samples: 1 })).map(([reply]) => reply);
}

function replyMetrics(sampled: readonly JudgedReply[], greedy: readonly JudgedReply[]): Metrics {
  const over = "prompts";
  const along = (replies: readonly JudgedReply[], measure: (reply: JudgedReply) => number) => ({
    over,
    values: replies.map(measure),
  });
  const percent = (flag: boolean) => flag ? 100 : 0;
  return {
    gold: along(sampled, ({ gold }) => gold),
    goldGreedy: along(greedy, ({ gold }) => gold),
    right: along(sampled, ({ kind }) => percent(kind === "right")),
    runOn: along(sampled, ({ covered }) => percent(!covered)),
    runOnGreedy: along(greedy, ({ covered }) => percent(!covered)),
    length: along(sampled, ({ tokens }) => tokens.length),
  };
}

async function preferences(
  { policy, reference }: WorldEvaluation,
  pairs: readonly TokenizedPair[],
): Promise<PairPreferences> {
  const ours = await scoreBothReplies(policy.score, pairs);
  const theirs = await scoreBothReplies(reference.score, pairs);
  return pairPreferences({
    policyChosen: ours.chosen,
    policyRejected: ours.rejected,
    referenceChosen: theirs.chosen,
    referenceRejected: theirs.rejected,
  });
}
