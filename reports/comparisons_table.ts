import type { Comparison, Estimate, Results } from "../core/results.ts";
import { formatInterval, formatPValue } from "./number_format.ts";
import { systemColumn, unitLabel } from "./results_table.ts";
import {
  type Cell,
  type Column,
  countCell,
  emptyCell,
  type Origin,
  type Table,
  textCell,
} from "./table.ts";

/** A column of numbers under a plain heading. */
export const column = (id: string, label: string, more: Partial<Column> = {}): Column => ({
  ...systemColumn,
  id,
  label,
  align: "right",
  ...more,
});

/**
 * Every paired comparison of the results on one metric, with its counts, difference and p-value. Where
 * the results hold a pair both ways round, the first stands for both.
 */
export function comparisonsTable(results: Results, metric: string): Table {
  const own = results.comparisons.filter((comparison) => comparison.metric === metric);
  const shown = own.filter(({ a, b }, i) =>
    !own.slice(0, i).some((earlier) => earlier.a === b && earlier.b === a)
  );
  const { label, digits } = results.metrics[metric];
  const name = (id: string) => results.systems.find((system) => system.id === id)?.label ?? id;
  return {
    id: `comparisons-${metric}`,
    title: `Paired comparisons: ${label}`,
    caption:
      `A against B on the same items: wins, losses and ties of A, win rate with ties as half, ` +
      `mean difference A − B with its 95% interval, and p of a two-sided paired permutation test. ` +
      `${intervalUnits(shown)} p counts prompts, given the models as trained${
        overSeeds(shown) ? ": it can be small where an interval over seeds holds zero" : ""
      }.`,
    columns: [
      column("a", "A", { align: "left" }),
      column("b", "B", { align: "left" }),
      column("wins", "Wins"),
      column("losses", "Losses"),
      column("ties", "Ties"),
      column("winRate", "Win rate", { unit: "%" }),
      column("difference", "Difference", { unit: unitLabel(results.metrics[metric]) }),
      column("interval", "95% interval"),
      column("p", "p", { unit: "over prompts" }),
    ],
    rows: shown.map((comparison) => ({
      id: `${comparison.a}:${comparison.b}`,
      cells: [
        textCell(name(comparison.a)),
        textCell(name(comparison.b)),
        ...[
          countCell(comparison.wins),
          countCell(comparison.losses),
          countCell(comparison.ties),
          estimate(comparison.winRate, 1),
          ...difference(comparison.difference, digits),
          textCell(formatPValue(comparison.pValue)),
        ].map((cell) => ({ ...cell, origins: originsOf(results, comparison) })),
      ],
    })),
    notes: [],
  };
}

/** What the intervals of comparisons count: seeds, which cover training again, or prompts. */
export function intervalUnits(comparisons: readonly Comparison[]): string {
  const methods = [...new Set(comparisons.map(({ difference }) => difference.method))];
  if (methods.length === 0) return "";
  const covered = overSeeds(comparisons)
    ? " Over seeds, it says whether training again would give the same order."
    : "";
  return `Interval: ${methods.join("; ")}.${covered}`;
}

function overSeeds(comparisons: readonly Comparison[]): boolean {
  return comparisons.some(({ difference }) => /^t over \d+ seeds$/.test(difference.method));
}

/** Where the numbers of a comparison come from: both systems. */
export function originsOf({ systems }: Results, { a, b }: Comparison): Origin[] {
  return systems.filter(({ id }) => id === a || id === b).flatMap(({ origins }) => origins);
}

function estimate({ mean, ci95 }: Estimate, digits: number): Cell {
  return {
    content: { value: mean, digits, interval: ci95, n: null },
    best: false,
    notes: [],
    origins: [],
  };
}

/** A difference and its interval as two cells: both ends are told, since what counts is where zero lies. */
export function difference(of: Estimate, digits: number): [Cell, Cell] {
  const interval = of.ci95 === null ? emptyCell() : textCell(formatInterval(of.ci95, digits));
  return [estimate({ ...of, ci95: null }, digits), interval];
}
