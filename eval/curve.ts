import { canonicalJson } from "../core/json.ts";
import type { TokenizedPair } from "../data/pair.ts";
import type { TokenDecoder } from "../train/models/token_decoder.ts";
import type { SeededSampling } from "./generate.ts";
import { type ReferenceLogps, referenceOf } from "./measure_pairs.ts";
import type { MetricName } from "./metrics.ts";
import { pairPreferences } from "./pair_preferences.ts";
import { logRatios } from "./reply_kl.ts";
import { type ReplyScorer, scoreBothReplies } from "./score_pairs.ts";
import { mean } from "./stats/moments.ts";
import { winRate } from "./stats/win_rate.ts";
import { generateJudged, type JudgedReply, type WorldDecoding } from "./world_replies.ts";

/**
 * Means over validation prompts and pairs at one training step, by metric name; `winRate` is that of the
 * sampled replies over the reference's by the gold reward (percent, ties half).
 */
interface CurvePoint {
  readonly step: number;
  readonly values: Readonly<Partial<Record<MetricName | "winRate", number>>>;
}

/** `curve.json`: how a policy did along training, on validation prompts. */
export interface ValidationCurve {
  readonly points: readonly CurvePoint[];
}

/** A snapshot, opened. */
interface SnapshotModel {
  readonly decoder: TokenDecoder;
  readonly score: ReplyScorer;
}

/** The model that training began with, and one reply of its own to each prompt. */
export interface ReferencePolicy {
  readonly score: ReplyScorer;
  readonly replies: readonly JudgedReply[];
}

/** What measuring a snapshot on validation data needs. */
interface SnapshotMeasurement extends Omit<WorldDecoding, "decoding" | "samples"> {
  readonly sampling: SeededSampling;
  readonly pairs: readonly TokenizedPair[];
  /** The reference's log-probs of the pairs, in their order. */
  readonly reference: readonly ReferenceLogps[];
  /** Without it there is no KL, and no win rate. */
  readonly over?: ReferencePolicy;
}

/**
 * One reply to each prompt, drawn by the reference independently of those that snapshots draw under
 * `sampling`: what their win rates are over.
 */
export async function referenceReplies(
  decoder: TokenDecoder,
  request: Omit<SnapshotMeasurement, "over">,
): Promise<JudgedReply[]> {
  const { stream, ...sampling } = request.sampling;
  const decoding = { ...sampling, stream: `${stream}, reference` };
  return (await generateJudged(decoder, { ...request, decoding })).flat();
}

/**
 * One point of the curve: gold reward sampled and greedy, run-ons, what the snapshot prefers, and how far
 * from the reference it went for how many wins over it.
 */
export async function measureSnapshot(
  model: SnapshotModel,
  step: number,
  request: SnapshotMeasurement,
): Promise<CurvePoint> {
  const { pairs, sampling } = request;
  const replies = async (decoding: "greedy" | SeededSampling) =>
    (await generateJudged(model.decoder, { ...request, decoding })).flat();
  const sampled = await replies(sampling);
  const greedy = await replies("greedy");
  const reference = referenceOf(pairs, request.reference);
  const policy = await scoreBothReplies(model.score, pairs);
  const preferences = pairPreferences({
    policyChosen: policy.chosen,
    policyRejected: policy.rejected,
    referenceChosen: reference.chosen,
    referenceRejected: reference.rejected,
  });
  const { accuracy, margin, chosenLogp, rejectedLogp } = preferences;
  return {
    step,
    values: {
      gold: mean(sampled.map(({ gold }) => gold)),
      goldGreedy: mean(greedy.map(({ gold }) => gold)),
      runOn: mean(sampled.map(({ covered }) => covered ? 0 : 100)),
      length: mean(sampled.map(({ tokens }) => tokens.length)),
      accuracy: mean(accuracy),
      margin: mean(margin),
      chosenLogp: mean(chosenLogp),
      rejectedLogp: mean(rejectedLogp),
      ...await againstReference(model, sampled, request),
    },
  };
}

async function againstReference(
  { score }: SnapshotModel,
  sampled: readonly JudgedReply[],
  { prompts, over }: SnapshotMeasurement,
): Promise<CurvePoint["values"]> {
  if (over === undefined) return {};
  const sequences = sampled.map(({ tokens }, i) => ({ prompt: prompts[i].tokens, reply: tokens }));
  const golds = [sampled, over.replies].map((replies) => replies.map(({ gold }) => gold));
  return {
    kl: mean(logRatios(await score(sequences), await over.score(sequences))),
    winRate: winRate(golds[0], golds[1]).rate,
  };
}

/** What measuring all snapshots of a run needs. */
interface RunMeasurement extends Omit<SnapshotMeasurement, "onProgress"> {
  readonly steps: readonly number[];
  /** Opens the snapshot of a step; it is closed after use. */
  readonly open: (step: number) => Promise<SnapshotModel & AsyncDisposable>;
  /** Told of each point when it is there. */
  readonly onPoint?: (point: CurvePoint) => void;
}

/** The curve of a training run, snapshot by snapshot. */
export async function measureSnapshots(request: RunMeasurement): Promise<ValidationCurve> {
  const points: CurvePoint[] = [];
  for (const step of request.steps) {
    request.signal?.throwIfAborted();
    await using model = await request.open(step);
    const point = await measureSnapshot(model, step, request);
    points.push(point);
    request.onPoint?.(point);
  }
  return { points };
}

const FILE = "curve.json";

/** Writes a curve into a folder as canonical JSON. */
export async function writeCurve(folder: string, curve: ValidationCurve): Promise<void> {
  await Deno.writeTextFile(`${folder}/${FILE}`, `${canonicalJson(curve)}\n`);
}

/** Reads the curve in a folder, as `writeCurve` left it. */
export async function readCurve(folder: string): Promise<ValidationCurve> {
  return JSON.parse(await Deno.readTextFile(`${folder}/${FILE}`));
}
