import { readPairs } from "../data/pairs_file.ts";
import { estimate } from "../eval/estimate.ts";
import { metricSample, readEvaluation } from "../eval/evaluation.ts";
import { METRIC_NAMES, METRICS } from "../eval/metrics.ts";
import type { Json } from "../core/json.ts";
import type { KeyFields } from "../pipeline/fingerprint.ts";
import type { OutputRef } from "../pipeline/instance.ts";
import type { PlannedInstance } from "../pipeline/plan.ts";
import type { KeyRecord } from "../pipeline/store/records.ts";
import type { Store } from "../pipeline/store/store.ts";
import type { AuditReport } from "../data/audit.ts";
import type { MeasuredFacts, PairsFacts, TrainingFacts } from "../reports/cards/card_facts.ts";
import { parseStepRecords } from "../train/step_record.ts";
import { StageRemarks } from "./stage_remarks.ts";

/** An instance whose result is in the store. */
export interface MadeInstance {
  readonly instance: PlannedInstance["instance"];
  readonly record: KeyRecord;
}

/** What a recipe and its store know of how a model came about. */
export class ModelHistory {
  readonly #made: ReadonlyMap<string, MadeInstance>;
  readonly #remarks: StageRemarks;

  constructor(planned: readonly PlannedInstance[], readonly store: Store) {
    this.#made = new Map(
      planned.flatMap(({ instance, record }) =>
        record === null ? [] : [[instance.id, { instance, record }]]
      ),
    );
    this.#remarks = new StageRemarks(store);
  }

  /** The instances that a model went through, from the one that begins with no other model. */
  lineage(last: MadeInstance): MadeInstance[] {
    const line = [last];
    for (;;) {
      const { inputs } = line[0].instance;
      const [ref] = inputs.model ?? inputs.snapshots ?? [];
      const before = ref && this.#made.get(ref.instance);
      if (before === undefined) return line;
      line.unshift(before);
    }
  }

  /** What each instance of a lineage but its root did. */
  async training(line: readonly MadeInstance[]): Promise<TrainingFacts[]> {
    const facts: TrainingFacts[] = [];
    for (const made of line.slice(1)) {
      const { instance, record } = made;
      const { sources, params } = fieldsOf(made);
      const [tokens] = instance.inputs.tokens ?? [];
      facts.push({
        instance: instance.id,
        key: record.key,
        params,
        sources,
        steps: this.#steps(made),
        pairs: tokens === undefined ? null : await this.#pairs(tokens),
        remarks: this.#remarks.of(record),
      });
    }
    return facts;
  }

  /** What the recipe's evaluations that have been run measured of one output. */
  async measured(of: { readonly instance: string; readonly port: string }) {
    const found: MeasuredFacts[] = [];
    for (const { instance, record } of this.#made.values()) {
      const [policy] = instance.inputs.policy ?? [];
      const evaluation = Object.values(record.outputs).find(({ type }) => type === "evaluation");
      if (policy?.instance !== of.instance || policy.port !== of.port || !evaluation) continue;
      const { digest } = evaluation;
      const metrics = await readMetrics(this.store.objectPath(digest));
      found.push({ instance: instance.id, digest, metrics });
    }
    return found;
  }

  #steps({ record }: MadeInstance): number | null {
    const steps = Object.values(record.outputs).find(({ type }) => type === "steps");
    if (steps === undefined) return null;
    const path = `${this.store.objectPath(steps.digest)}/steps.jsonl`;
    return parseStepRecords(Deno.readTextFileSync(path)).length;
  }

  async #pairs(tokens: OutputRef): Promise<PairsFacts | null> {
    const { measureTokens } = await import("../data/store/read_tokens.ts");
    const tokenized = this.#made.get(tokens.instance);
    const [ref] = tokenized?.instance.inputs.pairs ?? [];
    const source = ref && this.#made.get(ref.instance);
    if (tokenized === undefined || source === undefined) return null;
    const { digest } = source.record.outputs[ref.port];
    const tokensDigest = tokenized.record.outputs[tokens.port].digest;
    const folder = this.store.objectPath(tokensDigest);
    const { params, sources } = fieldsOf(source);
    const { pairs, tokens: ids, maxLength, maxPromptLength } = await measureTokens(folder);
    return {
      origin: `${source.instance.id}, ${ref.port}`,
      stage: source.instance.stage.name,
      params,
      sources,
      dataset: datasetOf(params),
      license: typeof params.license === "string" ? params.license : null,
      digest,
      count: await countRows(this.store.objectPath(digest)),
      tokens: { digest: tokensDigest, pairs, tokens: ids, maxLength, maxPromptLength },
      remarks: [source, tokenized].flatMap(({ record }) => this.#remarks.of(record)),
      audits: this.#audits(tokens.instance),
    };
  }

  #audits(tokens: string): PairsFacts["audits"] {
    return [...this.#made.values()].flatMap(({ instance, record }) => {
      const audit = Object.values(record.outputs).find(({ type }) => type === "audit");
      if (audit === undefined || instance.inputs.train?.[0]?.instance !== tokens) return [];
      const path = `${this.store.objectPath(audit.digest)}/audit.json`;
      const { findings } = JSON.parse(Deno.readTextFileSync(path)) as AuditReport;
      return [{
        instance: instance.id,
        digest: audit.digest,
        findings: findings.map(({ set, severity, accepted, message }) => ({
          set,
          severity,
          accepted,
          message,
        })),
      }];
    });
  }
}

/** An instance's parameters as its key has them, without paths, and the digests of what those name. */
export function fieldsOf({ record }: MadeInstance) {
  const { params, sources } = record.fields as unknown as KeyFields;
  return { params: params as Readonly<Record<string, Json>>, sources };
}

/** The data set that `read-pairs` was told to take from the hub. */
function datasetOf({ hub }: Readonly<Record<string, Json>>): PairsFacts["dataset"] {
  if (hub === undefined || hub === null || typeof hub !== "object" || Array.isArray(hub)) {
    return null;
  }
  const { dataset, revision } = hub;
  return typeof dataset === "string" ? { name: dataset, revision: String(revision) } : null;
}

async function countRows(folder: string): Promise<number> {
  let count = 0;
  for await (const _ of readPairs(folder)) count++;
  return count;
}

async function readMetrics(folder: string): Promise<MeasuredFacts["metrics"]> {
  const evaluation = await readEvaluation(folder);
  return METRIC_NAMES.flatMap((name) => {
    const sample = metricSample(evaluation, name);
    if (sample === null || sample.values.length === 0) return [];
    const { label, unit, describe, digits } = METRICS[name];
    const bounds = unit === "percent" ? [0, 100] as const : undefined;
    const { mean, ci95, n } = estimate([sample], { seed: 0, bounds });
    return [{ label, unit, describe, digits, mean, interval: ci95, n }];
  });
}
