import { canonicalJson } from "../core/json.ts";
import type { TokenizedPair } from "../data/pair.ts";
import type { TokenDecoder } from "../train/models/token_decoder.ts";
import type { SeededSampling } from "./generate.ts";
import { type ReferenceLogps, referenceOf } from "./measure_pairs.ts";
import type { MetricName } from "./metrics.ts";
import { pairPreferences } from "./pair_preferences.ts";
import { type ReplyScorer, scoreBothReplies } from "./score_pairs.ts";
import { mean } from "./stats/moments.ts";
import { generateJudged, type WorldDecoding } from "./world_replies.ts";

/** Means over validation prompts and pairs at one training step, by metric name. */
interface CurvePoint {
  readonly step: number;
  readonly values: Readonly<Partial<Record<MetricName, number>>>;
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

/** What measuring a snapshot on validation data needs. */
interface SnapshotMeasurement extends Omit<WorldDecoding, "decoding" | "samples"> {
  readonly sampling: SeededSampling;
  readonly pairs: readonly TokenizedPair[];
  /** The reference's log-probs of the pairs, in their order. */
  readonly reference: readonly ReferenceLogps[];
}

/** One point of the curve: gold reward sampled and greedy, run-ons, and what the snapshot prefers. */
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
    },
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
