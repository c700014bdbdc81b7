import type { Json } from "../core/json.ts";
import { ExpectedError, nearest } from "../core/problem.ts";
import type { ArtifactType, Difference } from "./artifact.ts";
import { diffJson } from "./diff_json.ts";
import type { OutputRecord } from "./events.ts";
import type { RunRecord } from "./store/records.ts";
import type { Store } from "./store/store.ts";

/** How one output of an instance differs between two runs. */
export interface OutputDifference {
  readonly port: string;
  readonly type: string;
  readonly before: string;
  readonly after: string;
  /** In content, beyond the tolerance; `null` when one of the two is no longer in the store. */
  readonly differences: readonly Difference[] | null;
}

/** How one stage instance differs between two runs. */
export interface InstanceDifference {
  readonly id: string;
  readonly change: "added" | "removed" | "changed";
  /** Fields of the key document: params, code, inputs, facts. */
  readonly fields: readonly Difference[];
  readonly outputs: readonly OutputDifference[];
}

/** What differs between two runs; `before` and `after` name them. */
export interface RunDifference {
  readonly before: RunRecord;
  readonly after: RunRecord;
  /** The machine: instruction set, operating system, Deno. The first changes last bits of numbers. */
  readonly host: readonly Difference[];
  readonly parameters: readonly Difference[];
  readonly instances: readonly InstanceDifference[];
  /** Instances that are the same in both. */
  readonly equal: number;
}

/** How outputs are compared. */
export interface CompareOptions {
  readonly types: ReadonlyMap<string, ArtifactType>;
  /** Relative tolerance for numbers; 0 compares exactly. */
  readonly tolerance: number;
}

/**
 * The id of a run named by a person: `latest`, `previous` (the one before it, of the same recipe where
 * there is one), or an id, leading zeros optional.
 *
 * @throws ExpectedError when there is no such run
 */
export function resolveRun(store: Store, name: string): string {
  const runs = store.listRuns();
  if (runs.length === 0) throw new ExpectedError(`${store.path} holds no runs yet.`);
  const latest = runs[runs.length - 1];
  if (name === "latest") return latest;
  if (name === "previous") {
    const recipe = store.readRun(latest)?.recipe;
    const earlier = runs.slice(0, -1);
    const run = earlier.findLast((id) => store.readRun(id)?.recipe === recipe) ?? earlier.at(-1);
    if (run === undefined) throw new ExpectedError(`${store.path} holds only one run, ${latest}.`);
    return run;
  }
  const run = runs.find((id) => /^[0-9]+$/.test(name) && Number(id) === Number(name));
  if (run !== undefined) return run;
  const near = nearest(name, ["latest", "previous"]) ?? latest;
  throw new ExpectedError(
    `Expected a run (${
      runs[0]
    } to ${latest}, latest, previous) but found "${name}". Did you mean "${near}"?`,
  );
}

/**
 * A run, or one point of its sweeps: `latest@eta=0.05,beta=0.1`.
 *
 * @throws ExpectedError when there is no such run, or nothing in it at such a point
 */
export function resolvePoint(store: Store, name: string): RunPoint {
  const [run, ...rest] = name.split("@");
  const id = resolveRun(store, run);
  const at = rest.length === 0 ? [] : rest.join("@").split(",");
  const known = [...new Set(readWhole(store, id).instances.flatMap(({ id }) => axesOf(id)))];
  const unknown = at.find((axis) => !known.includes(axis));
  if (unknown !== undefined) {
    const near = nearest(unknown, known);
    throw new ExpectedError(
      `Run ${id} has nothing at ${unknown}; expected AXIS=VALUE of ${known.join(", ") || "none"}.${
        near === undefined ? "" : ` Did you mean "${near}"?`
      }`,
    );
  }
  return { run: id, at };
}

/** A run, narrowed to instances at a place on its axes. */
export interface RunPoint {
  readonly run: string;
  /** Such as `eta=0.05`; what does not lie on an axis is at every place on it. */
  readonly at: readonly string[];
}

/** `["seed=0", "eta=0.05"]` of `train/dpo@seed=0,eta=0.05`. */
function axesOf(id: string): string[] {
  const at = id.indexOf("@");
  return at < 0 ? [] : id.slice(at + 1).split(",");
}

/** An instance's id without its place on the axes of a point; null when it is at another one. */
function idAt(id: string, at: readonly string[]): string | null {
  const axes = axesOf(id);
  const names = at.map((axis) => axis.slice(0, axis.indexOf("=") + 1));
  const elsewhere = axes.some((axis) =>
    names.some((name) => axis.startsWith(name)) && !at.includes(axis)
  );
  if (elsewhere) return null;
  const left = axes.filter((axis) => !at.includes(axis));
  return left.length === 0 ? id.split("@")[0] : `${id.split("@")[0]}@${left.join(",")}`;
}

/** Of a record of instances, those at a point, under the ids that they have without it. */
function entriesAt<T>(
  entries: Iterable<readonly [string, T]>,
  at: readonly string[],
): [string, T][] {
  return [...entries].flatMap(([id, value]) => {
    const own = idAt(id, at);
    return own === null ? [] : [[own, value] as [string, T]];
  });
}

/**
 * What differs between two runs, from recipe parameters through code and inputs to the numbers.
 *
 * @param runs their ids, see `resolveRun`, or points of them
 * @throws ExpectedError when the record of a run is missing or damaged
 */
export async function diffRuns(
  store: Store,
  runs: { before: string | RunPoint; after: string | RunPoint },
  options: CompareOptions,
): Promise<RunDifference> {
  const [from, to] = [runs.before, runs.after].map((one) =>
    typeof one === "string" ? { run: one, at: [] } : one
  );
  const before = readWhole(store, from.run);
  const after = readWhole(store, to.run);
  const old = new Map(entriesAt(instancesOf(store, before), from.at));
  const young = new Map(entriesAt(instancesOf(store, after), to.at));
  const instances: InstanceDifference[] = [];
  let equal = 0;
  for (const id of new Set([...young.keys(), ...old.keys()])) {
    const difference = await diffInstance(store, { id, a: old.get(id), b: young.get(id) }, options);
    if (difference === null) equal++;
    else instances.push(difference);
  }
  return {
    before,
    after,
    host: diffJson({ ...before.host }, { ...after.host }),
    parameters: diffJson(
      parametersAt(before.parameters, from.at),
      parametersAt(after.parameters, to.at),
    ),
    instances,
    equal,
  };
}

/** A run keeps its parameters by instance. */
function parametersAt(parameters: Json, at: readonly string[]): Json {
  if (typeof parameters !== "object" || parameters === null || Array.isArray(parameters)) {
    return parameters;
  }
  return Object.fromEntries(entriesAt(Object.entries(parameters), at));
}

interface InstanceState {
  readonly key: string | null;
  readonly fields: Json | undefined;
  readonly outputs: Readonly<Record<string, OutputRecord>>;
}

function readWhole(store: Store, run: string): RunRecord {
  const record = store.readRun(run);
  if (record === null) {
    throw new ExpectedError(`${store.path}/runs/${run}.json is missing or damaged.`);
  }
  return record;
}

/** Outputs are those the run itself saw, where its events tell; else those of the key. */
function instancesOf(store: Store, run: RunRecord): Map<string, InstanceState> {
  const seen = new Map<string, InstanceState["outputs"]>();
  for (const event of store.runs.events(run.run)) {
    if (event.type === "stage-finished") seen.set(event.id, event.outputs);
  }
  return new Map(run.instances.map(({ id, key }) => {
    const record = key === null ? null : store.readKey(key);
    const outputs = seen.get(id) ?? record?.outputs ?? {};
    return [id, { key, fields: record?.fields, outputs }];
  }));
}

async function diffInstance(
  store: Store,
  { id, a, b }: { id: string; a: InstanceState | undefined; b: InstanceState | undefined },
  options: CompareOptions,
): Promise<InstanceDifference | null> {
  if (a === undefined) return { id, change: "added", fields: [], outputs: [] };
  if (b === undefined) return { id, change: "removed", fields: [], outputs: [] };
  const fields = a.key === b.key
    ? []
    : a.fields === undefined || b.fields === undefined
    ? [{ path: "key", before: a.key ?? "absent", after: b.key ?? "absent" }]
    : diffJson(a.fields, b.fields);
  const outputs: OutputDifference[] = [];
  for (const [port, before] of Object.entries(a.outputs)) {
    const after = b.outputs[port];
    if (after === undefined || after.digest === before.digest) continue;
    const differences = await compareObjects(store, { before, after }, options);
    outputs.push({
      port,
      type: before.type,
      before: before.digest,
      after: after.digest,
      differences,
    });
  }
  if (fields.length === 0 && outputs.length === 0) return null;
  return { id, change: "changed", fields, outputs };
}

async function compareObjects(
  store: Store,
  { before, after }: { before: OutputRecord; after: OutputRecord },
  { types, tolerance }: CompareOptions,
): Promise<readonly Difference[] | null> {
  const type = types.get(before.type);
  if (type === undefined || !store.hasObject(before.digest) || !store.hasObject(after.digest)) {
    return null;
  }
  const folders = [store.objectPath(before.digest), store.objectPath(after.digest)];
  return await type.compare(folders[0], folders[1], tolerance);
}
