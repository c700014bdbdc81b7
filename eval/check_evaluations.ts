import { InputError, nearest, type Problem } from "../core/problem.ts";
import { type Evaluation, type ItemSet, metricsOf } from "./evaluation.ts";
import type { MetricName } from "./metrics.ts";
import { type AssignedSystem, type FromInstance, ofSeed } from "./systems.ts";

/**
 * Checks that what is asked for was measured.
 *
 * @param asked names of metrics, by the parameter that asks
 * @throws InputError with every metric that no evaluation holds
 */
export function checkMeasured(
  evaluations: readonly Evaluation[],
  asked: Readonly<Record<string, readonly MetricName[]>>,
): void {
  const measured = metricsOf(evaluations);
  const problems = Object.entries(asked).flatMap(([key, names]) =>
    names.flatMap((name, i): Problem[] => {
      if (measured.includes(name)) return [];
      const message = `No evaluation holds ${name}; expected one of ${measured.join(", ")}.`;
      return [{ path: `${key}[${i}]`, message, nearest: nearest(name, measured) }];
    })
  );
  if (problems.length > 0) throw new InputError(problems);
}

type System = AssignedSystem<FromInstance & { readonly evaluation: Evaluation }>;

/**
 * Checks that the systems of a seed were evaluated on the same items in the same order, by which
 * their values are paired.
 *
 * @throws InputError with every evaluation that differs from the first of its seed
 */
export function checkSameItems(
  systems: readonly System[],
  seeds: readonly number[],
  metrics: readonly MetricName[],
): void {
  const problems = new Map<string, Problem>();
  for (const metric of metrics) {
    for (const seed of seeds) {
      const measured = systems.flatMap((system) => itemsOf(system, seed, metric));
      for (const { from, items } of measured) {
        if (sameItems(items, measured[0].items)) continue;
        const message = `Expected "${from}" and "${measured[0].from}" to be of the same items, ` +
          "in the same order, but they are not.";
        problems.set(message, { path: "evaluations", message });
      }
    }
  }
  if (problems.size > 0) throw new InputError([...problems.values()]);
}

function itemsOf(
  system: System,
  seed: number,
  metric: MetricName,
): { from: string; items: ItemSet }[] {
  const input = ofSeed(system, seed);
  const values = input?.evaluation.metrics[metric];
  if (input === undefined || values === undefined) return [];
  return [{ from: input.from, items: input.evaluation.itemSets[values.over] }];
}

function sameItems(a: ItemSet, b: ItemSet): boolean {
  return a.items.join("\n") === b.items.join("\n") && a.clusters.join() === b.clusters.join();
}
