import type { PlannedInstance } from "./plan.ts";
import { type MemoryPart, totalBytes } from "./prediction.ts";

/** A machine that a plan is held to. */
export interface Machine {
  readonly name: string;
  readonly memoryBytes: number;
  /** Whether each process of a stage has one of its own, as with GPUs, instead of all the same one. */
  readonly isOfOneProcess?: boolean;
  /** Units of work a second, by what decides it, such as the precision of products. */
  readonly speeds: readonly { readonly name: string; readonly perSecond: number }[];
}

/** An instance that a machine has too little memory for. */
export interface Misfit {
  readonly id: string;
  readonly neededBytes: number;
  readonly parts: readonly MemoryPart[];
}

/** Whether a machine can run a plan, and how long it would compute. */
export interface Feasibility {
  readonly machine: Machine;
  readonly misfits: readonly Misfit[];
  /** Seconds of the work that is counted in `unit`, by the machine's speeds. */
  readonly seconds: readonly { readonly name: string; readonly seconds: number }[];
}

/**
 * Holds what is not cached to a machine's memory and speeds.
 *
 * @param unit the work that the machine's speeds are of; other work is left out
 */
export function feasibilityOn(
  machine: Machine,
  planned: readonly PlannedInstance[],
  unit: string,
): Feasibility {
  const todo = planned.filter(({ state }) => state !== "cached");
  const misfits = todo.flatMap(({ instance, forecast: { memory } }): Misfit[] => {
    const { processes = 1 } = instance.stage.resources(instance.params);
    const sharers = machine.isOfOneProcess ? processes : 1;
    const parts = memory
      // A GPU holds nothing of its host's.
      ?.filter(({ isOnHost }) => !(machine.isOfOneProcess && isOnHost))
      .map(({ what, bytes }) => ({ what, bytes: bytes / sharers }));
    const neededBytes = totalBytes(parts);
    const fits = neededBytes === null || neededBytes <= machine.memoryBytes;
    return fits ? [] : [{ id: instance.id, neededBytes, parts: parts! }];
  });
  const amount = todo.reduce(
    (sum, { forecast: { work } }) => sum + (work?.unit === unit ? work.amount : 0),
    0,
  );
  const seconds = machine.speeds.map(({ name, perSecond }) => ({
    name,
    seconds: amount / perSecond,
  }));
  return { machine, misfits, seconds };
}
