import { canonicalJson } from "../core/json.ts";
import { METRIC_NAMES, type MetricName } from "./metrics.ts";
import type { ItemSample } from "./stats/sample.ts";

/** Things that were evaluated: prompts or pairs, in a fixed order. */
export interface ItemSet {
  /** Ids as in the source file. */
  readonly items: readonly string[];
  /** What makes items dependent, one an item: a digest of the prompt, which may come again. */
  readonly clusters: readonly string[];
}

/** One metric, item by item. */
export interface MetricValues {
  /** The item set that `values` runs along. */
  readonly over: string;
  readonly values: readonly number[];
}

/** One reply, for people to look at. Untrusted text. */
export interface EvaluationExample {
  readonly id: string;
  readonly prompt: string;
  /** The kind of task; absent where there is none. */
  readonly category?: string;
  readonly text: string;
  readonly score: number | null;
  /** What the data has for a good reply, to compare with. */
  readonly reference?: string;
}

/** What one policy did, value by value, so that every mean, interval and test can be made from it. */
export interface Evaluation {
  readonly itemSets: Readonly<Record<string, ItemSet>>;
  readonly metrics: Readonly<Partial<Record<MetricName, MetricValues>>>;
  readonly examples: readonly EvaluationExample[];
}

const FILE = "evaluation.json";

/** Writes an evaluation into a folder as canonical JSON. */
export async function writeEvaluation(folder: string, evaluation: Evaluation): Promise<void> {
  await Deno.writeTextFile(`${folder}/${FILE}`, `${canonicalJson(evaluation)}\n`);
}

/** Reads the evaluation in a folder, as `writeEvaluation` left it. */
export async function readEvaluation(folder: string): Promise<Evaluation> {
  return JSON.parse(await Deno.readTextFile(`${folder}/${FILE}`));
}

/**
 * A metric's values with the cluster of each, as the statistics take them.
 *
 * @returns null when the evaluation does not hold the metric
 */
export function metricSample(evaluation: Evaluation, name: MetricName): ItemSample | null {
  const metric = evaluation.metrics[name];
  if (metric === undefined) return null;
  return { items: evaluation.itemSets[metric.over].clusters, values: metric.values };
}

/** The metrics that any of the evaluations holds, in the order of `METRICS`. */
export function metricsOf(evaluations: readonly Evaluation[]): MetricName[] {
  return METRIC_NAMES.filter((name) => evaluations.some(({ metrics }) => name in metrics));
}
