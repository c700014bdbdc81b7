import type { Results } from "../core/results.ts";
import { systemColumn, unitLabel } from "./results_table.ts";
import { emptyCell, type Origin, type Table, textCell } from "./table.ts";

/**
 * Every seed's own number, not averaged over seeds: one row a system and seed, one column a metric.
 *
 * @param metrics the metrics to show; all of the results unless told
 */
export function seedsTable(results: Results, metrics = Object.keys(results.metrics)): Table {
  const everything = Object.keys(results.metrics).every((name) => metrics.includes(name));
  const rows = results.systems.flatMap((system) =>
    results.seeds.map((seed, at) => ({
      id: `${system.id}@seed=${seed}`,
      cells: [
        textCell(system.label),
        textCell(String(seed)),
        ...metrics.map((name) => {
          const value = system.metrics[name]?.perSeed[at];
          if (value === undefined || value === null) return emptyCell();
          const { digits } = results.metrics[name];
          return {
            content: { value, digits, interval: null, n: null },
            best: false,
            notes: [],
            origins: originsOf(system.origins, seed),
          };
        }),
      ],
    }))
  );
  return {
    id: "seeds",
    title: "Every seed",
    caption: "One row a system and seed, averaged over its test items alone; no seed is left out." +
      (everything ? "" : " Metrics that no main column shows are under Everything measured."),
    columns: [
      systemColumn,
      { ...systemColumn, id: "seed", label: "Seed", align: "right" },
      ...metrics.map((name) => {
        const metric = results.metrics[name];
        const column = { ...systemColumn, id: name, label: metric.label, better: metric.better };
        return { ...column, unit: unitLabel(metric), align: "right" as const };
      }),
    ],
    rows,
    notes: [],
  };
}

/** The origins of one seed, by the instance's name; all of them where the names tell no seed. */
function originsOf(origins: readonly Origin[], seed: number): readonly Origin[] {
  const named = origins.filter(({ instance }) => instance.split(/[@,]/).includes(`seed=${seed}`));
  return named.length > 0 ? named : origins;
}
