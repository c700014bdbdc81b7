import type { Json } from "../core/json.ts";
import type { CodeIndex, DigestMemory } from "./code_digest.ts";
import { sourceDigest } from "./content_digest.ts";
import type { InstanceState, OutputRecord, Reason } from "./events.ts";
import {
  type InputFields,
  inputText,
  type KeyFields,
  keyOf,
  reasonsBetween,
} from "./fingerprint.ts";
import { type Forecast, forecast, type KnownSizes } from "./forecast.ts";
import { upstreamOf } from "./graph.ts";
import type { Instance } from "./instance.ts";
import type { Sizes } from "./prediction.ts";
import type { OutputPort, Stage } from "./stage.ts";
import type { KeyRecord } from "./store/records.ts";
import type { Store } from "./store/store.ts";

/** What planning reads; it writes nothing. */
export interface PlanContext {
  readonly recipe: string;
  readonly store: Store;
  readonly code: CodeIndex;
  readonly memory: DigestMemory;
  /** Names the machine whose speeds are measured and foreseen. */
  readonly machine: string;
}

/** One instance as a plan sees it. */
export interface PlannedInstance {
  readonly instance: Instance;
  readonly state: InstanceState;
  /** Null while something it reads is not there yet, so that its key cannot be known. */
  readonly key: string | null;
  readonly fields: KeyFields | null;
  /** Why it is not cached; empty when it is. */
  readonly reasons: readonly Reason[];
  /** What running it would take, and the sizes of what it gives. */
  readonly forecast: Forecast;
  /** The result, when it is cached. */
  readonly record: KeyRecord | null;
}

/** Outputs known so far, by instance id. */
export type KnownOutputs = ReadonlyMap<string, Readonly<Record<string, OutputRecord>>>;

/**
 * Says of each instance (in topological order) whether its result is in the store, and if not, why.
 */
export async function makePlan(
  instances: readonly Instance[],
  context: PlanContext,
): Promise<PlannedInstance[]> {
  const known = new Map<string, Readonly<Record<string, OutputRecord>>>();
  const sizes = new Map<string, Readonly<Record<string, Sizes>>>();
  const planned: PlannedInstance[] = [];
  for (const instance of instances) {
    const one = await planInstance(instance, { known, sizes }, context);
    if (one.record !== null) known.set(instance.id, one.record.outputs);
    sizes.set(instance.id, one.forecast.outputs ?? {});
    planned.push(one);
  }
  return planned;
}

/** Plans one instance from the outputs known so far, and the sizes known or foreseen. */
export async function planInstance(
  instance: Instance,
  { known, sizes }: { readonly known: KnownOutputs; readonly sizes: KnownSizes },
  context: PlanContext,
): Promise<PlannedInstance> {
  const { store, recipe, machine } = context;
  const waiting = upstreamOf(instance).filter((id) => !known.has(id));
  const fields = await keyFields(instance, known, context);
  const complete = waiting.length === 0;
  const key = complete ? keyOf(fields) : null;
  const record = key === null ? null : completeRecord(store, key, instance.stage);
  const last = previousRecord(store, { recipe, id: instance.id, record });
  const grounds = { recipe, machine, timings: store.timings, last, record };
  const foreseen = await forecast(instance, sizes, grounds);
  if (record !== null) {
    return { instance, state: "cached", key, fields, reasons: [], forecast: foreseen, record };
  }
  const before = last === null ? null : last.fields as unknown as KeyFields;
  const reasons = before === null
    ? [{ field: "never run", before: null, after: null }]
    : staleReasons(before, { fields, instance, waiting, key });
  const state = before === null ? "missing" : "stale";
  return {
    instance,
    state,
    key,
    fields: complete ? fields : null,
    reasons,
    forecast: foreseen,
    record: null,
  };
}

/** All that decides an instance's result; inputs that are not known yet are left out. */
async function keyFields(
  instance: Instance,
  known: KnownOutputs,
  { code, memory }: PlanContext,
): Promise<KeyFields> {
  const { stage } = instance;
  const keyed = stage.keyParams?.(instance.params) ?? instance.params;
  const params = { ...(keyed as Record<string, Json>) };
  const sources: Record<string, string> = {};
  for (const name of Object.keys(instance.paths)) {
    delete params[name];
    sources[name] = await sourceDigest(instance, name, memory);
  }
  return {
    format: 1,
    stage: stage.name,
    params,
    sources,
    inputs: inputFields(instance, known),
    code: await code.code(stage.module),
    facts: stage.facts?.(instance.params) ?? {},
  };
}

function inputFields(
  instance: Instance,
  known: KnownOutputs,
): Record<string, readonly InputFields[]> {
  const fields: Record<string, readonly InputFields[]> = {};
  for (const [port, refs] of Object.entries(instance.inputs)) {
    if (refs.some((ref) => !known.has(ref.instance))) continue;
    fields[port] = refs.map((ref) => {
      const digest = known.get(ref.instance)![ref.port].digest;
      if (!instance.stage.inputs[port].many) return { digest };
      return { digest, from: ref.instance, axes: ref.axes };
    });
  }
  return fields;
}

/** The record of a key, if it has all that its stage gives and that is in the store. */
export function completeRecord(store: Store, key: string, { outputs }: Stage): KeyRecord | null {
  const record = store.readKey(key);
  if (record === null) return null;
  const isThere = ([port, { type }]: [string, OutputPort]) => {
    const output = record.outputs[port];
    return output?.type === type && store.hasObject(output.digest);
  };
  return Object.entries(outputs).every(isThere) ? record : null;
}

/** @param record that of the key it has now, which most often is the previous one too */
function previousRecord(
  store: Store,
  { recipe, id, record }: {
    readonly recipe: string;
    readonly id: string;
    readonly record: KeyRecord | null;
  },
): KeyRecord | null {
  const last = store.readInstance(recipe, id);
  if (last === null) return null;
  return last.key === record?.key ? record : store.readKey(last.key);
}

interface Staleness {
  readonly fields: KeyFields;
  readonly instance: Instance;
  readonly waiting: readonly string[];
  readonly key: string | null;
}

function staleReasons(before: KeyFields, { fields, instance, waiting, key }: Staleness): Reason[] {
  const pending = Object.entries(instance.inputs)
    .filter(([port]) => fields.inputs[port] === undefined);
  const unchanged = pending.map(([port]) => [port, before.inputs[port] ?? []] as const);
  const comparable: KeyFields = {
    ...fields,
    inputs: { ...fields.inputs, ...Object.fromEntries(unchanged) },
  };
  const reasons = reasonsBetween(before, comparable, instance.entry);
  for (const [port, refs] of pending) {
    const missing = refs.map((ref) => ref.instance).filter((id) => waiting.includes(id));
    reasons.push({
      field: `input ${port}`,
      before: inputText(before.inputs[port]) ?? null,
      after: `waits for ${missing.join(", ")}`,
    });
  }
  if (reasons.length === 0 && key !== null) {
    reasons.push({ field: "result lost from the store", before: keyOf(before), after: null });
  }
  return reasons;
}
