import type { RunEvent } from "../events.ts";
import type { Store } from "./store.ts";

/** What a cell may hold; dates are milliseconds since the epoch. */
export type Cell = string | number | boolean | null;

/** A table of the catalog: columns with their SQL types. */
export interface CatalogTable {
  readonly name: string;
  readonly columns: Readonly<
    Record<string, "VARCHAR" | "DOUBLE" | "BIGINT" | "TIMESTAMP" | "JSON">
  >;
}

const KEYS: CatalogTable = {
  name: "keys",
  columns: {
    key: "VARCHAR",
    recipe: "VARCHAR",
    instance: "VARCHAR",
    stage: "VARCHAR",
    seconds: "DOUBLE",
    peak_memory_bytes: "BIGINT",
    finished_at: "TIMESTAMP",
    isa: "VARCHAR",
    os: "VARCHAR",
    deno: "VARCHAR",
    accepted_from: "VARCHAR",
    warnings: "JSON",
    fields: "JSON",
  },
};

const OUTPUTS: CatalogTable = {
  name: "outputs",
  columns: { key: "VARCHAR", port: "VARCHAR", type: "VARCHAR", digest: "VARCHAR", bytes: "BIGINT" },
};

const OBJECTS: CatalogTable = {
  name: "objects",
  columns: { digest: "VARCHAR", type: "VARCHAR", bytes: "BIGINT", files: "BIGINT" },
};

const RUNS: CatalogTable = {
  name: "runs",
  columns: {
    run: "VARCHAR",
    recipe: "VARCHAR",
    status: "VARCHAR",
    started_at: "TIMESTAMP",
    finished_at: "TIMESTAMP",
    seconds: "DOUBLE",
    isa: "VARCHAR",
    os: "VARCHAR",
    deno: "VARCHAR",
    command: "JSON",
    parameters: "JSON",
  },
};

const INSTANCES: CatalogTable = {
  name: "instances",
  columns: {
    run: "VARCHAR",
    instance: "VARCHAR",
    stage: "VARCHAR",
    key: "VARCHAR",
    state: "VARCHAR",
    seconds: "DOUBLE",
  },
};

const PROGRESS: CatalogTable = {
  name: "progress",
  columns: {
    run: "VARCHAR",
    time: "TIMESTAMP",
    instance: "VARCHAR",
    done: "BIGINT",
    total: "BIGINT",
    unit: "VARCHAR",
    note: "VARCHAR",
  },
};

const LOGS: CatalogTable = {
  name: "logs",
  columns: {
    run: "VARCHAR",
    time: "TIMESTAMP",
    instance: "VARCHAR",
    level: "VARCHAR",
    message: "VARCHAR",
  },
};

/** The figures of `stage-step` events, by column: what `StepRecord` and `StepTiming` hold. */
const STEP_FIGURES = {
  step: ["step", "BIGINT"],
  loss: ["loss", "DOUBLE"],
  dpo_loss: ["dpoLoss", "DOUBLE"],
  sft_loss: ["sftLoss", "DOUBLE"],
  chosen_logp: ["chosenLogp", "DOUBLE"],
  rejected_logp: ["rejectedLogp", "DOUBLE"],
  reward_chosen: ["rewardChosen", "DOUBLE"],
  reward_rejected: ["rewardRejected", "DOUBLE"],
  margin: ["margin", "DOUBLE"],
  accuracy: ["accuracy", "DOUBLE"],
  grad_norm: ["gradNorm", "DOUBLE"],
  preference_grad_norm: ["preferenceGradNorm", "DOUBLE"],
  regulariser_grad_norm: ["regulariserGradNorm", "DOUBLE"],
  preference_share: ["preferenceShare", "DOUBLE"],
  regulariser_share: ["regulariserShare", "DOUBLE"],
  lr: ["lr", "DOUBLE"],
  pairs: ["pairs", "BIGINT"],
  tokens: ["tokens", "BIGINT"],
  seconds: ["seconds", "DOUBLE"],
  pairs_per_second: ["pairsPerSecond", "DOUBLE"],
  tokens_per_second: ["tokensPerSecond", "DOUBLE"],
  resident_bytes: ["residentBytes", "BIGINT"],
} as const;

const TRAINING_STEPS: CatalogTable = {
  name: "training_steps",
  columns: {
    run: "VARCHAR",
    time: "TIMESTAMP",
    instance: "VARCHAR",
    ...Object.fromEntries(Object.entries(STEP_FIGURES).map(([name, [, type]]) => [name, type])),
  },
};

/** When each key's file that the catalog holds was last changed, in milliseconds since the epoch. */
const INDEXED_KEYS: CatalogTable = {
  name: "indexed_keys",
  columns: { key: "VARCHAR", changed: "DOUBLE" },
};

/** Tables of keys, by their column `key`: rows come and go with the keys' files. */
export const KEY_TABLES = [KEYS, OUTPUTS, INDEXED_KEYS];

/** The table of objects, by its column `digest`. */
export const OBJECT_TABLE = OBJECTS;

/** Tables to which the rows of new runs are added. */
export const RUN_TABLES = [RUNS, INSTANCES, PROGRESS, LOGS, TRAINING_STEPS];

/** Views for a person: how long stages take; what each run's instances gave. */
export const VIEWS: readonly string[] = [
  `CREATE OR REPLACE VIEW timings AS
   SELECT stage, count(*) AS instances, avg(seconds) AS mean_seconds, max(seconds) AS max_seconds,
          arg_max(seconds, finished_at) AS last_seconds, max(peak_memory_bytes) AS peak_memory_bytes
   FROM keys GROUP BY stage`,
  `CREATE OR REPLACE VIEW results AS
   SELECT run, instance, state, port, type, digest, bytes
   FROM instances JOIN outputs USING (key)`,
];

/**
 * The rows of `KEY_TABLES` for one key, in their order; none when its record is damaged.
 * @param changed when its file was, in milliseconds since the epoch
 */
export function keyRows(store: Store, key: string, changed: number): Cell[][][] {
  const r = store.readKey(key);
  if (r === null) return KEY_TABLES.map(() => []);
  return [
    [[
      ...[r.key, r.recipe, r.instance, r.stage, r.seconds, r.peakMemoryBytes],
      ...[timeOf(r.finishedAt), r.host.isa, r.host.os, r.host.deno, r.acceptedFrom ?? null],
      ...[JSON.stringify(r.warnings), JSON.stringify(r.fields)],
    ]],
    Object.entries(r.outputs).map(([port, { type, digest, bytes }]) => [
      ...[key, port, type, digest, bytes],
    ]),
    [[key, changed]],
  ];
}

/** The rows of `OBJECT_TABLE` for one object; none when it is damaged. */
export function objectRows(store: Store, digest: string): Cell[][] {
  const artifact = store.readArtifact(digest);
  if (artifact === null) return [];
  const { type, bytes, files } = artifact;
  return [[digest, type, bytes, files.length]];
}

/** The rows of `RUN_TABLES` for one run, in their order; none when its record is damaged. */
export function runRows(store: Store, run: string): Cell[][][] {
  const r = store.readRun(run);
  if (r === null) return RUN_TABLES.map(() => []);
  const events = store.runs.events(run);
  const { isa, os, deno } = r.host;
  return [
    [[
      ...[run, r.recipe, r.status, timeOf(r.startedAt), timeOf(r.finishedAt), r.seconds],
      ...[isa, os, deno, JSON.stringify(r.command), JSON.stringify(r.parameters)],
    ]],
    r.instances.map(({ id, stage, key, state, seconds }) => [run, id, stage, key, state, seconds]),
    events.filter(isType("stage-progress")).map(({ time, id, progress }) => {
      const { done, total, unit, note } = progress;
      return [run, time, id, Math.round(done), Math.round(total), unit, note ?? null];
    }),
    events.filter(isType("stage-log")).map(({ time, id, level, message }) => {
      return [run, time, id, level, message];
    }),
    events.filter(isType("stage-step")).map(({ time, id, figures }) => [
      ...[run, time, id],
      ...Object.values(STEP_FIGURES).map(([figure]) => figures[figure] ?? null),
    ]),
  ];
}

function isType<T extends RunEvent["type"]>(type: T) {
  return (event: RunEvent): event is Extract<RunEvent, { type: T }> => event.type === type;
}

function timeOf(iso: string | null): number | null {
  const time = Date.parse(iso ?? "");
  return Number.isNaN(time) ? null : time;
}
