import { column } from "./comparisons_table.ts";
import type { StageFacts } from "./run_facts.ts";
import { type Cell, countCell, emptyCell, type Table, textCell } from "./table.ts";

/** What a run's results took to make, a row an entry of the recipe: time, memory, and money where known. */
export function costTable(stages: readonly StageFacts[]): Table {
  const entries = [...Map.groupBy(stages, ({ instance }) => instance.split(/[/@]/)[0])];
  const priced = stages.some(({ dollars }) => dollars !== null);
  const rows = [...entries, ["All together", stages] as const].map(([entry, own]) => ({
    id: entry,
    cells: [
      textCell(entry),
      countCell(own.length),
      countCell(own.filter(({ state }) => state === "ran").length),
      figure(sum(own.map(({ seconds }) => seconds)), 1),
      figure(most(own.map(({ peakMemoryBytes }) => peakMemoryBytes)), 0, 2 ** 20),
      ...(priced ? [figure(sum(own.map(({ dollars }) => dollars)), 4)] : []),
    ],
  }));
  return {
    id: "costs",
    title: "Times and costs",
    caption:
      "Seconds of work, added up, and the most memory of one stage. What was cached counts " +
      "with what it took in the run that made it" +
      (priced ? "; a judge's answers with what they cost when they were asked for." : "."),
    columns: [
      column("entry", "Stage", { align: "left" }),
      column("instances", "Instances"),
      column("ran", "Ran now"),
      column("seconds", "Work", { unit: "s" }),
      column("memory", "Memory", { unit: "MiB" }),
      ...(priced ? [column("dollars", "Cost", { unit: "$" })] : []),
    ],
    rows,
    notes: [],
  };
}

function figure(value: number | null, digits: number, unit = 1): Cell {
  if (value === null) return emptyCell();
  const content = { value: value / unit, digits, interval: null, n: null };
  return { ...countCell(0), content };
}

function sum(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((total, value) => total + value, 0);
}

function most(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : Math.max(...known);
}
