import type { Prediction, Sizes } from "../../pipeline/prediction.ts";
import { countWeights, type Reading } from "../../train/costs/arithmetic.ts";
import { type ScoredRuns, scoringMemory } from "../../train/costs/memory.ts";
import { shapeOf } from "../../train/costs/model_sizes.ts";
import { scoringWork } from "../../train/costs/work.ts";
import { targetOf } from "../../train/graph/target.ts";
import { attentionBlocks } from "../../train/models/attention_blocks.ts";
import { defaultVocabularyChunk } from "../../train/models/head_chunks.ts";
import type { ModelShape } from "../../train/models/parameters.ts";
import { defaultTokensPerRun, longestPairsPerRun } from "../../train/pair_packs.ts";
import type { Precision } from "../../train/precision.ts";
import type logps from "../logps.ts";
import type measure from "../measure.ts";
import { countOf, type ParamsOf, type PredictOf } from "./params_of.ts";
import { loadingSeconds, speedOn } from "./speeds.ts";
import { largestRuns } from "./largest_runs.ts";
import { longestTokens, meanReading, type TokenSizes, tokenSizesOf } from "./token_sizes.ts";

/** Log-probs of all replies. */
export const predictLogps: PredictOf<typeof logps> = ({ params, inputs, isDone }) =>
  predictScoring(inputs.model[0], inputs.tokens[0], { params, isDone });

/** Log-probs of all held-out replies; twice those of the policy's own, where they tell the KL. */
export const predictMeasuring: PredictOf<typeof measure> = async ({ params, inputs, isDone }) => {
  const [policy] = inputs.policy;
  if (policy === undefined) return {};
  const prediction = await predictScoring(policy, inputs.pairs[0], { params, isDone });
  const own = inputs.referenceModel.length === 0 ? null : klReading(inputs.replies[0] ?? null);
  const shape = shapeOf(policy);
  const { work } = prediction;
  if (own === null || shape === null || work === undefined) return prediction;
  const amount = work.amount + 2 * own.replies * scoringWork(shape, own.reading);
  return { ...prediction, work: { ...work, amount, startSeconds: 2 * work.startSeconds } };
};

/** Replies that tell the KL, and what is read of a mean one; null where they tell none. */
function klReading(sizes: Sizes | null): { replies: number; reading: Reading } | null {
  const [replies, prompt, reply] = ["replies", "promptTokens", "replyTokens"]
    .map((name) => countOf(sizes, name));
  if (sizes === null || replies === null || prompt === null || reply === null) return null;
  const { decoding, temperature, topP, topK } = sizes;
  if (decoding !== "drawn" || temperature !== 1 || topP !== 1 || topK !== undefined) return null;
  const tokens = prompt + reply;
  const cells = prompt ** 2 + reply * tokens;
  return { replies, reading: { tokens, replyTokens: reply, cells } };
}

type ScoringParams = Pick<
  ParamsOf<typeof logps>,
  "threads" | "device" | "precision" | "tf32" | "fusedAttention"
>;

async function predictScoring(
  model: Sizes | null,
  tokens: Sizes | null,
  { params, isDone }: { readonly params: ScoringParams; readonly isDone: boolean },
): Promise<Prediction> {
  const shape = shapeOf(model);
  const sizes = tokenSizesOf(tokens);
  if (shape === null || sizes === null) return {};
  const replies = sizes.rejectedTokens === 0 ? "chosen" : "both";
  const { all } = countWeights(shape);
  const work = {
    amount: sizes.pairs * scoringWork(shape, meanReading(sizes, replies)),
    unit: "operations",
    ...speedOn(params, "scoring"),
    startSeconds: loadingSeconds({ loadedBytes: 4 * all }),
    scale: all,
  };
  if (isDone) return { work };
  const { threads, device, precision, fusedAttention } = params;
  const computing = { threads, device, precision, fusedAttention };
  const runs = await scoredRuns(shape, sizes, { replies, ...computing });
  return { work, memory: scoringMemory(shape, { ...runs, device: targetOf(device), precision }) };
}

/** What is scored, and how, as far as it decides what runs hold. */
interface Scoring
  extends Pick<ScoringParams, "threads" | "device" | "precision" | "fusedAttention"> {
  readonly replies: "both" | "chosen";
  /** Pairs that are asked for in one go; all unless given. */
  readonly pairs?: number;
  /** What weights are fed as; what layers compute in unless given. */
  readonly fed?: Precision;
  readonly vocabularyChunk?: number;
  readonly attentionBlock?: number;
}

/** The runs that scoring makes of which those that are under way at once hold the most. */
export async function scoredRuns(
  shape: ModelShape,
  sizes: TokenSizes,
  { replies, pairs = sizes.pairs, threads, device, precision, fed, ...asked }: Scoring,
): Promise<ScoredRuns> {
  const target = targetOf(device);
  const { vocabSize, hiddenSize } = shape;
  const tokens = defaultTokensPerRun(shape, target);
  const { vocabularyChunk = defaultVocabularyChunk({ vocabSize, tokens, target }) } = asked;
  const longest = longestTokens(sizes, replies);
  const { fusedAttention: fused } = asked;
  const sequences = pairs * (replies === "both" ? 2 : 1);
  const blocks = attentionBlocks(shape, longest, {
    block: fused ? Infinity : asked.attentionBlock, // without a gradient one kernel takes all
    fused,
    target,
    pairs: longestPairsPerRun(longest, { tokens, pairs: sequences }),
  });
  const computing = { device: target, precision, fed, vocabularyChunk, attentionBlocks: blocks };
  const limits = { tokens, pairs, logitsPerToken: vocabularyChunk, hiddenSize, target };
  // A graph is built, which takes code that no other plan needs.
  const { scoringRun } = await import("../../train/costs/foreseen_run.ts");
  const [most] = largestRuns(sizes, replies, limits).map((run) => ({
    run: scoringRun(shape, { runs: [run], ...computing }),
    lanes: target === "cpu" ? Math.min(threads, Math.ceil(pairs / run.length)) : 1,
  })).sort((a, b) => b.lanes * b.run.bytes - a.lanes * a.run.bytes);
  return { ...most, inBlocks: blocks !== undefined };
}
