import type { Curve, Estimate, Metric, Results, SystemResult } from "../core/results.ts";
import type { StepRecord } from "../train/step_record.ts";
import { checkMeasured, checkSameItems } from "./check_evaluations.ts";
import { comparePair } from "./compare_pair.ts";
import type { ValidationCurve } from "./curve.ts";
import { estimate, type Recurrence, recurrence } from "./estimate.ts";
import { type Evaluation, metricSample, metricsOf } from "./evaluation.ts";
import { mergeCurves } from "./merge_curves.ts";
import { type DirectedMetric, type MetricName, METRICS } from "./metrics.ts";
import { replyLengths } from "./reply_lengths.ts";
import type { Resampling } from "./stats/bootstrap.ts";
import type { ItemSample } from "./stats/sample.ts";
import {
  type AssignedSystem,
  assignSystems,
  axesKey,
  type FromInstance,
  ofSeed,
  seedOf,
  type SystemSpec,
} from "./systems.ts";
import { describeDecline, describeStatistics } from "./verdicts.ts";

/** An evaluation and where it comes from. */
export interface EvaluationInput extends FromInstance {
  readonly digest: string;
  readonly evaluation: Evaluation;
}

/** Something measured along training, and where it comes from. */
interface CurveInput<T> extends FromInstance {
  readonly content: T;
}

/** Stands for a system beside the replies of real ones. */
const DATA = "Chosen in the data";

/** What to compare, and how. */
export interface ComparisonRequest {
  readonly systems: readonly SystemSpec[];
  readonly evaluations: readonly EvaluationInput[];
  readonly curves: readonly CurveInput<ValidationCurve>[];
  readonly steps: readonly CurveInput<readonly StepRecord[]>[];
  /** Systems that every other one is compared with. */
  readonly baselines: readonly string[];
  /** Metrics that systems are compared on; the first is the main one. */
  readonly compareOn: readonly DirectedMetric[];
  /** Metrics to report; all that were measured unless told. */
  readonly metrics?: readonly MetricName[];
  readonly resampling: Resampling;
  /** Training steps averaged into one point of a curve. */
  readonly window: number;
}

type System = AssignedSystem<EvaluationInput>;

/**
 * Brings evaluations of several systems and seeds together: means with intervals, comparisons paired
 * by prompt, curves, sentences that the numbers support, and replies side by side.
 *
 * @throws InputError when systems and inputs do not fit together, or evaluations of one seed are not
 *   of the same prompts
 */
export function compareSystems(request: ComparisonRequest): Results {
  const systems = assignSystems(request.systems, request.evaluations);
  const known = [...new Set(systems.flatMap(({ bySeed }) => [...bySeed.keys()]))];
  const numbered = known.filter((seed) => seed !== null).sort((a, b) => a - b);
  const seeds = numbered.length > 0 ? numbered : [0];
  checkMeasured(request.evaluations.map(({ evaluation }) => evaluation), {
    compareOn: request.compareOn,
    metrics: request.metrics ?? [],
  });
  checkSameItems(systems, seeds, request.compareOn);
  const metrics = describedMetrics(request);
  const partial = {
    seeds,
    metrics,
    systems: systems.map((system) => systemResult(system, { seeds, metrics }, request.resampling)),
    comparisons: comparisons(systems, seeds, request),
    curves: systems.flatMap((system, i) => curvesOf(system, i, { systems, request })),
  };
  const lengths = replyLengths(systems);
  const main = request.compareOn[0];
  const notes = [
    ...(main === undefined ? [] : describeDecline(partial, main)),
    describeStatistics(seeds, main === undefined ? "none" : testRecurrence(systems, seeds, main)),
  ];
  return {
    ...partial,
    ...(lengths !== null && { replyLengths: lengths }),
    notes,
    examples: examplesOf(systems, seeds[0]),
  };
}

function describedMetrics(request: ComparisonRequest): Record<string, Metric> {
  const evaluations = request.evaluations.map(({ evaluation }) => evaluation);
  const names = new Set([...(request.metrics ?? metricsOf(evaluations)), ...request.compareOn]);
  return Object.fromEntries([...names].map((name) => [name, METRICS[name]]));
}

function inSeedOrder({ bySeed }: System): EvaluationInput[] {
  return [...bySeed].sort(([a], [b]) => (a ?? -1) - (b ?? -1)).map(([, input]) => input);
}

function systemResult(
  system: System,
  { seeds, metrics }: Pick<Results, "seeds" | "metrics">,
  resampling: Resampling,
): SystemResult {
  const inputs = inSeedOrder(system);
  const estimates: Record<string, Estimate> = {};
  for (const [name, { unit }] of Object.entries(metrics)) {
    const samples = samplesOf(system, seeds, name as MetricName);
    if (samples.every((sample) => sample === null)) continue;
    const bounds = unit === "percent" ? [0, 100] as const : undefined;
    estimates[name] = forSeeds(estimate(samples, { ...resampling, bounds }), seeds);
  }
  const { id, label } = system.spec;
  const origins = inputs.map(({ from, digest }) => ({ instance: from, digest }));
  return { id, label, metrics: estimates, origins };
}

/** A system's values in each seed, null where it has none; once only where it has no seeds. */
function samplesOf(
  system: System,
  seeds: readonly number[],
  name: MetricName,
): (ItemSample | null)[] {
  return (hasNoSeeds(system) ? seeds.slice(0, 1) : seeds).map((seed) => {
    const input = ofSeed(system, seed);
    return input === undefined ? null : metricSample(input.evaluation, name);
  });
}

function hasNoSeeds({ bySeed }: System): boolean {
  return bySeed.size === 1 && bySeed.has(null);
}

/** An estimate whose means run along all seeds, though it was made once for all of them. */
function forSeeds(made: Estimate, seeds: readonly number[]): Estimate {
  if (made.perSeed.length === seeds.length) return made;
  return { ...made, perSeed: seeds.map(() => made.perSeed[0]) };
}

/** How many of the test prompts come again in another seed; the systems of a seed share its prompts. */
function testRecurrence(
  systems: readonly System[],
  seeds: readonly number[],
  name: MetricName,
): Recurrence {
  const bySystem = systems.map((system) =>
    samplesOf(system, seeds, name).filter((sample) => sample !== null)
  );
  return recurrence(bySystem.find((samples) => samples.length > 1) ?? []);
}

function comparisons(
  systems: readonly System[],
  seeds: readonly number[],
  request: ComparisonRequest,
): Results["comparisons"] {
  const pairs = request.baselines.flatMap((baseline) =>
    systems.filter(({ spec }) => spec.id !== baseline).map((a) => ({
      a,
      b: systems.find(({ spec }) => spec.id === baseline)!,
    }))
  );
  return request.compareOn.flatMap((metric) =>
    pairs.flatMap(({ a, b }) => {
      const paired = { a: a.spec.id, b: b.spec.id, bySeed: sharedSeeds(a, b, seeds) };
      const compared = comparePair(paired, metric, request.resampling);
      if (compared === null) return [];
      const { winRate, difference } = compared;
      return {
        ...compared,
        winRate: forSeeds(winRate, seeds),
        difference: forSeeds(difference, seeds),
      };
    })
  );
}

/** What two systems did in each seed, null where one lacks it; once only where neither has seeds. */
function sharedSeeds(a: System, b: System, seeds: readonly number[]) {
  return ([a, b].every(hasNoSeeds) ? seeds.slice(0, 1) : seeds).map((seed) => {
    const [ours, theirs] = [ofSeed(a, seed), ofSeed(b, seed)];
    if (ours === undefined || theirs === undefined) return null;
    return { a: ours.evaluation, b: theirs.evaluation };
  });
}

/**
 * A curve belongs to the first system whose evaluations have its axes: a system stopped early shares
 * the axes of the one that ran to the end, and its curve is that one's.
 */
function curvesOf(
  system: System,
  index: number,
  { systems, request }: { systems: readonly System[]; request: ComparisonRequest },
): Curve[] {
  const key = (each: System) => axesKey(inSeedOrder(each)[0]);
  const own = key(system);
  if (systems.findIndex((each) => key(each) === own) !== index) return [];
  const mine = <T>(inputs: readonly CurveInput<T>[]) =>
    new Map(
      inputs.filter((input) => axesKey(input) === own).map((
        input,
      ) => [seedOf(input) ?? 0, input.content]),
    );
  const [validation, steps] = [mine(request.curves), mine(request.steps)];
  const seeds = [...new Set([...validation.keys(), ...steps.keys()])].sort((a, b) => a - b);
  return seeds.map((seed) =>
    mergeCurves({
      system: system.spec.id,
      label: system.spec.label,
      seed,
      validation: validation.get(seed) ?? null,
      steps: steps.get(seed) ?? null,
    }, request.window)
  );
}

function examplesOf(systems: readonly System[], seed: number): Results["examples"] {
  const shown = systems.map((system) => ({
    system: system.spec.id,
    examples: ofSeed(system, seed)?.evaluation.examples ?? [],
  }));
  const first = shown.find(({ examples }) => examples.length > 0)?.examples ?? [];
  return first.map(({ id, prompt, category, reference }) => {
    const replies = shown.flatMap(({ system, examples }) => {
      const match = examples.find((example) => example.id === id && example.prompt === prompt);
      return match === undefined ? [] : [{ system, text: match.text, score: match.score }];
    });
    const chosen = reference === undefined ? [] : [{ system: DATA, text: reference, score: null }];
    return {
      prompt,
      ...(category !== undefined && { category }),
      replies: [...replies, ...chosen],
    };
  });
}
