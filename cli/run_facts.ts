import { stringify } from "yaml";
import { digestJson } from "../core/digest.ts";
import { shellWord } from "../core/shell_word.ts";
import type { KeyFields } from "../pipeline/fingerprint.ts";
import type { PlanContext, PlannedInstance } from "../pipeline/plan.ts";
import type { RunResult } from "../pipeline/run.ts";
import type { KeyRecord } from "../pipeline/store/records.ts";
import type { Store } from "../pipeline/store/store.ts";
import type { RunFacts, StageFacts } from "../reports/run_facts.ts";
import { judgingCost } from "./judging_cost.ts";
import { PROJECT_FOLDER } from "./project.ts";
import { machineCapacity } from "./session.ts";
import { withoutLocalPaths } from "./shown_paths.ts";
import { VERSION } from "./version.ts";

/** What the facts of a run are gathered from. */
export interface FinishedRun {
  readonly context: Pick<PlanContext, "recipe" | "store">;
  readonly planned: readonly PlannedInstance[];
  /** The command that makes the report again, in words. */
  readonly command: readonly string[];
}

/** What is known of a run now that it is over, without a path of this machine. */
export async function runFacts(
  result: RunResult,
  { context: { recipe, store }, planned, command }: FinishedRun,
  report: RunFacts["report"],
): Promise<RunFacts> {
  const records = [...result.records.values()];
  const begins = beginsOf(store, result.run);
  const named = planned.flatMap(({ instance }) => Object.values(instance.paths));
  const shown = withoutLocalPaths({ project: PROJECT_FOLDER, store: store.path, named });
  const params = planned.map(({ instance: { id, params } }) => [
    id,
    JSON.parse(
      JSON.stringify(params),
      (_, value) => typeof value === "string" ? shown(value) : value,
    ),
  ]);
  const stages: StageFacts[] = [];
  const counted = new Set<string>();
  for (const one of planned) {
    const record = result.records.get(one.instance.id);
    if (record === undefined) continue;
    const facts = await stageFacts(one, { record, result, begins, store, counted });
    stages.push({ ...facts, warnings: facts.warnings.map(shown) });
  }
  return {
    recipe,
    run: result.run,
    report,
    resolved: stringify({ recipe, stages: Object.fromEntries(params) }),
    command: command.map(shown).map(shellWord).join(" "),
    startedAt: store.readRun(result.run)?.startedAt ?? null,
    seconds: result.seconds,
    versions: versionsOf(records),
    code: digestJson(Object.assign({}, ...records.map((record) => fieldsOf(record).code.modules))),
    machine: machineOf(records[0]),
    stages,
    warnings: [],
  };
}

async function stageFacts(
  { instance }: PlannedInstance,
  of: {
    readonly record: KeyRecord;
    readonly result: RunResult;
    readonly begins: ReadonlyMap<string, number>;
    readonly store: Store;
    /** Requests to judges whose answers count with a stage before. */
    readonly counted: Set<string>;
  },
): Promise<StageFacts> {
  const { record, result } = of;
  const { params, sources, code, facts } = fieldsOf(record);
  const cost = await judgingCost(of.store, record, of.counted);
  const ran = result.ran.includes(instance.id);
  return {
    instance: instance.id,
    stage: record.stage,
    key: record.key,
    state: record.acceptedFrom !== undefined ? "kept" : ran ? "ran" : "cached",
    seconds: record.seconds,
    begun: ran ? of.begins.get(instance.id) ?? null : null,
    finishedAt: record.finishedAt,
    peakMemoryBytes: record.peakMemoryBytes,
    answers: cost?.answers ?? null,
    dollars: cost?.dollars ?? null,
    inputs: Object.entries(instance.inputs).flatMap(([port, refs]) =>
      refs.flatMap((ref) => {
        const given = result.records.get(ref.instance)?.outputs[ref.port];
        return given === undefined ? [] : [{ port, instance: ref.instance, digest: given.digest }];
      })
    ),
    outputs: Object.entries(record.outputs).map(([port, { type, digest, bytes }]) => ({
      port,
      type,
      digest,
      bytes,
    })),
    params: params ?? null,
    sources: sources ?? {},
    code: digestJson(code.modules),
    packages: code.packages,
    facts: facts ?? {},
    host: { ...record.host },
    warnings: record.warnings,
  };
}

/** Seconds from a run's begin to that of each stage that it ran. */
function beginsOf(store: Store, run: string): Map<string, number> {
  const events = store.runs.events(run);
  const begin = events.find(({ type }) => type === "run-started")?.time;
  if (begin === undefined) return new Map();
  return new Map(
    events.flatMap((event) =>
      event.type === "stage-started" ? [[event.id, (event.time - begin) / 1000]] : []
    ),
  );
}

function fieldsOf({ fields }: KeyRecord): KeyFields {
  return fields as unknown as KeyFields;
}

function machineOf(record: KeyRecord | undefined): Record<string, string> {
  const { cores, memory } = machineCapacity();
  return {
    processor: record?.host.isa ?? "unknown",
    system: record?.host.os ?? "unknown",
    cores: String(cores),
    memory: `${Math.round(memory / 1024)} GiB`,
  };
}

/** Deno, and the packages that the stages' code reached, with their locked versions. */
function versionsOf(records: readonly KeyRecord[]): Record<string, string> {
  const packages = records.flatMap((record) => fieldsOf(record).code.packages);
  const shown = ["onnxruntime-node", "@duckdb/node-api", "apache-arrow", "@huggingface/tokenizers"];
  const versions = [...new Set(packages)].sort().map((id) => {
    const at = id.lastIndexOf("@");
    return [id.slice(0, at), id.slice(at + 1)];
  });
  return {
    Ballast: VERSION,
    Deno: Deno.version.deno,
    ...Object.fromEntries(versions.filter(([name]) => shown.includes(name))),
  };
}
