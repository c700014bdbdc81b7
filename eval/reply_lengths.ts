import { type Spread, spreadOf } from "../core/spread.ts";
import { type Evaluation, metricSample } from "./evaluation.ts";
import type { AssignedSystem, FromInstance } from "./systems.ts";

/**
 * How long the replies of each system are, in tokens, all seeds together.
 *
 * @returns null when no system's replies were measured
 */
export function replyLengths(
  systems: readonly AssignedSystem<FromInstance & { readonly evaluation: Evaluation }>[],
): Record<string, Spread> | null {
  const measured = systems.flatMap(({ spec, bySeed }) => {
    const lengths = [...bySeed.values()].flatMap(({ evaluation }) =>
      metricSample(evaluation, "length")?.values ?? []
    );
    const spread = spreadOf(lengths);
    return spread === null ? [] : [[spec.id, spread] as const];
  });
  return measured.length === 0 ? null : Object.fromEntries(measured);
}
