import type { Json } from "../core/json.ts";
import { inputSizes } from "./forecast.ts";
import type { Instance } from "./instance.ts";
import type { PlannedInstance } from "./plan.ts";
import { type MemoryPart, partsOf, type Prediction, totalBytes } from "./prediction.ts";
import type { Resources } from "./stage.ts";

/** Parameters by name. */
export type Params = Readonly<Record<string, Json>>;

/** A machine that a plan is held to. */
export interface Machine {
  readonly name: string;
  /** Of each of its devices, where it has some; else of the machine. */
  readonly memoryBytes: number;
  /** GPUs, each of which one process has to itself. Nothing else is computed where it is not given. */
  readonly gpus?: number;
  /** What a stage would be given there, as far as it has such parameters: `{ device: "cuda:0" }`. */
  readonly params?: Params;
  /** What could be asked of a stage that does not fit, from what changes least on. */
  readonly changes?: readonly Params[];
  /** Units of work a second of one device, by what decides it, such as the precision of products. */
  readonly speeds: readonly { readonly name: string; readonly perSecond: number }[];
  /** Bytes a second that each process hands to others while it is handed as many; no time unless given. */
  readonly exchangedPerSecond?: number;
}

/** What one device would hold of an instance. */
export interface Need {
  readonly id: string;
  readonly processes: number;
  readonly neededBytes: number;
  readonly parts: readonly MemoryPart[];
}

/** An instance that a machine has too little memory for. */
export interface Misfit extends Need {
  /** The first change with which it fits; null where none does, or none is known. */
  readonly change: { readonly params: Params; readonly neededBytes: number } | null;
}

/** Whether a machine can run a plan, and how long it would compute. */
export interface Feasibility {
  readonly machine: Machine;
  /** Of all whose memory is foreseen. */
  readonly needs: readonly Need[];
  readonly misfits: readonly Misfit[];
  /**
   * Of a machine with GPUs, instances that none computes: they are left out of all else. Of one whose GPUs are
   * not known, those that need one, whose memory on it is held to nothing.
   */
  readonly elsewhere: readonly string[];
  /** Seconds of the work that is counted in `unit`, one instance after the other, by the machine's speeds. */
  readonly seconds: readonly { readonly name: string; readonly seconds: number }[];
  /** Of these, what processes take to hand on gradients and weights. */
  readonly exchangeSeconds: number;
}

/** An instance as it would be on a machine. */
interface Placed {
  readonly planned: PlannedInstance;
  readonly params: Params;
  readonly foreseen: Prediction;
}

/**
 * Holds what is not cached to a machine's memory and speeds, each stage with the parameters that it would
 * be given there.
 *
 * @param unit the work that the machine's speeds are of; other work is left out, and work of which no speed is
 * assumed
 */
export async function feasibilityOn(
  machine: Machine,
  planned: readonly PlannedInstance[],
  unit: string,
): Promise<Feasibility> {
  const sizes = new Map(
    planned.map(({ instance, forecast }) => [instance.id, forecast.outputs ?? {}]),
  );
  const foresee = async (planned: PlannedInstance, params: Params): Promise<Placed> => {
    const { instance: { stage, inputs }, forecast } = planned;
    if (params === planned.instance.params) return { planned, params, foreseen: forecast };
    const about = { params, inputs: inputSizes(inputs, sizes), last: forecast.outputs ?? {} };
    return { planned, params, foreseen: await stage.predict?.({ ...about, isDone: false }) ?? {} };
  };
  const todo = await Promise.all(
    planned.filter(({ state }) => state !== "cached")
      .map((one) => foresee(one, knownParams(one.instance, machine.params))),
  );
  const isOnGpu = (one: Placed) => (resourcesOf(one).gpus ?? 0) > 0;
  const isHere = (one: Placed) => machine.gpus === undefined || isOnGpu(one);
  const here = todo.filter(isHere);
  const needs: Need[] = [];
  const misfits: Misfit[] = [];
  for (const one of here) {
    const need = needOf(one, machine);
    if (need === null) continue;
    needs.push(need);
    if (need.neededBytes <= machine.memoryBytes) continue;
    misfits.push({ ...need, change: await changeFor(one, { machine, foresee }) });
  }
  const elsewhere = machine.gpus === undefined
    ? todo.filter(isOnGpu)
    : todo.filter((one) => !isHere(one) && one.foreseen.work?.unit === unit);
  return {
    machine,
    needs,
    misfits,
    elsewhere: elsewhere.map(({ planned }) => planned.instance.id),
    ...secondsOn(machine, here, unit),
  };
}

/** An instance's parameters with those that its stage knows of some more; the same where it knows none. */
function knownParams({ stage, params }: Instance, more: Params = {}): Params {
  const own = params as Params;
  const known = Object.entries(more).filter(([name, value]) =>
    stage.params.safeParse({ ...own, [name]: value }).success
  );
  return known.length === 0 ? own : { ...own, ...Object.fromEntries(known) };
}

function resourcesOf({ planned: { instance }, params }: Placed): Resources {
  return instance.stage.resources(params);
}

/** What a device holds of an instance; null where that is not foreseen. */
function needOf(one: Placed, machine: Machine): Need | null {
  const { memory } = one.foreseen;
  if (memory === undefined) return null;
  const { processes = 1 } = resourcesOf(one);
  const isOfGpus = machine.gpus !== undefined;
  const parts = partsOf(memory, isOfGpus ? "gpu" : "host")
    .map(({ what, bytes }) => ({ what, bytes: isOfGpus ? bytes / processes : bytes }));
  return { id: one.planned.instance.id, processes, neededBytes: totalBytes(parts)!, parts };
}

/**
 * The first of the machine's changes with which an instance fits: of each, what is not so already. A record
 * that is given, such as an adapter, stays.
 */
async function changeFor(
  { planned, params }: Placed,
  { machine, foresee }: {
    readonly machine: Machine;
    readonly foresee: (planned: PlannedInstance, params: Params) => Promise<Placed>;
  },
): Promise<Misfit["change"]> {
  for (const change of machine.changes ?? []) {
    const given = Object.keys(change).filter((name) => typeof params[name] === "object");
    const news = Object.entries(change).filter(([name, value]) => params[name] !== value);
    const { data } = planned.instance.stage.params.safeParse({ ...params, ...change });
    if (data === undefined || given.length > 0 || news.length === 0) continue;
    const need = needOf(await foresee(planned, data as Params), machine);
    if (need === null || need.neededBytes > machine.memoryBytes) continue;
    return { params: Object.fromEntries(news), neededBytes: need.neededBytes };
  }
  return null;
}

function secondsOn(
  { speeds, exchangedPerSecond = Infinity }: Machine,
  placed: readonly Placed[],
  unit: string,
): Pick<Feasibility, "seconds" | "exchangeSeconds"> {
  const amounts = placed.map((one) => {
    const { processes = 1 } = resourcesOf(one);
    const { work } = one.foreseen;
    return work?.unit === unit && work.perSecond !== null ? work.amount / processes : 0;
  });
  const amount = amounts.reduce((sum, amount) => sum + amount, 0);
  const exchanged = placed.reduce((sum, { foreseen }) => sum + (foreseen.exchangedBytes ?? 0), 0);
  const exchangeSeconds = exchanged / exchangedPerSecond;
  const seconds = speeds.map(({ name, perSecond }) => ({
    name,
    seconds: amount / perSecond + exchangeSeconds,
  }));
  return { seconds, exchangeSeconds };
}
