import { upstreamOf } from "./graph.ts";
import type { PlannedInstance } from "./plan.ts";

/**
 * Seconds from the start of each instance to the end of the longest chain that follows from it: what
 * is started first when several could be. Unknown estimates count one second.
 */
export function criticalSeconds(planned: readonly PlannedInstance[]): Map<string, number> {
  const longest = new Map<string, number>();
  for (const { instance, estimateSeconds, state } of planned.toReversed()) {
    const own = state === "cached" ? 0 : estimateSeconds ?? 1;
    const total = own + (longest.get(instance.id) ?? 0);
    longest.set(instance.id, total);
    for (const id of upstreamOf(instance)) longest.set(id, Math.max(longest.get(id) ?? 0, total));
  }
  return longest;
}

/** Wall-clock estimate for what is not cached: the longer of the longest chain and the work per core. */
export function estimateWallSeconds(
  planned: readonly PlannedInstance[],
  cores: number,
): number | null {
  const todo = planned.filter(({ state }) => state !== "cached");
  if (todo.some(({ estimateSeconds }) => estimateSeconds === null)) return null;
  const work = todo.reduce((sum, { instance, estimateSeconds }) => {
    return sum + estimateSeconds! * instance.stage.resources(instance.params).cores;
  }, 0);
  const chain = Math.max(0, ...criticalSeconds(todo).values());
  return Math.max(chain, work / cores);
}
