import { prerequisitesOf } from "./graph.ts";
import type { PlannedInstance } from "./plan.ts";
import { hostBytes } from "./prediction.ts";

/** What is kept free for an instance while it runs. */
export interface Reservation {
  readonly cores: number;
  /** MiB */
  readonly memory: number;
  /** Names of what no other may use meanwhile. */
  readonly turns: readonly string[];
}

/** What an instance declares to use; of the host's memory what is foreseen, where it is. */
export function reservationOf(
  { instance: { stage, params }, forecast }: Pick<PlannedInstance, "instance" | "forecast">,
): Reservation {
  const { cores, memory = 0, turns = [] } = stage.resources(params);
  const bytes = hostBytes(forecast.memory);
  return { cores, memory: bytes === null ? memory : Math.ceil(bytes / 2 ** 20), turns };
}

/**
 * Seconds from the start of each instance to the end of the longest chain that follows from it: what
 * is started first when several could be. Unknown estimates count one second.
 */
export function criticalSeconds(planned: readonly PlannedInstance[]): Map<string, number> {
  const longest = new Map<string, number>();
  for (const { instance, forecast: { seconds }, state } of planned.toReversed()) {
    const own = state === "cached" ? 0 : seconds ?? 1;
    const total = own + (longest.get(instance.id) ?? 0);
    longest.set(instance.id, total);
    for (const id of prerequisitesOf(instance)) {
      longest.set(id, Math.max(longest.get(id) ?? 0, total));
    }
  }
  return longest;
}

/** Wall-clock estimate for what is not cached: the longer of the longest chain and the work per core. */
export function estimateWallSeconds(
  planned: readonly PlannedInstance[],
  cores: number,
): number | null {
  const todo = planned.filter(({ state }) => state !== "cached");
  if (todo.some(({ forecast: { seconds } }) => seconds === null)) return null;
  const work = todo.reduce((sum, one) => {
    return sum + one.forecast.seconds! * reservationOf(one).cores;
  }, 0);
  const chain = Math.max(0, ...criticalSeconds(todo).values());
  return Math.max(chain, work / cores);
}
