import { entryOf } from "../core/instance_id.ts";
import { column } from "./comparisons_table.ts";
import type { StageFacts } from "./run_facts.ts";
import { type Cell, countCell, emptyCell, type Table, textCell } from "./table.ts";

/** What a run's results took to make, a row an entry of the recipe: time, memory, and money where known. */
export function costTable(stages: readonly StageFacts[]): Table {
  const entries = [...Map.groupBy(stages, ({ instance }) => entryOf(instance))];
  const judged = stages.some(({ answers }) => answers !== null);
  const priced = stages.some(({ dollars }) => dollars !== null);
  const rows = [...entries, ["All together", stages] as const].map(([entry, own]) => ({
    id: entry,
    cells: [
      textCell(entry),
      countCell(own.length),
      countCell(own.filter(({ state }) => state === "ran").length),
      figure(sum(own.map(({ seconds }) => seconds)), 1),
      figure(most(own.map(({ peakMemoryBytes }) => peakMemoryBytes)), 0, 2 ** 20),
      ...(judged ? [figure(sum(own.map(({ answers }) => answers)), 0)] : []),
      ...(priced ? [figure(sum(own.map(({ dollars }) => dollars)), 4)] : []),
    ],
  }));
  return {
    id: "costs",
    title: "Times and costs",
    caption:
      "Seconds of work, added up, and the most memory of one stage. What was cached counts " +
      "with what it took in the run that made it" +
      "." + judgeSentences(stages, priced),
    columns: [
      column("entry", "Stage", { align: "left" }),
      column("instances", "Instances"),
      column("ran", "Ran now"),
      column("seconds", "Work", { unit: "s" }),
      column("memory", "Memory", { unit: "MiB" }),
      ...(judged ? [column("answers", "Judge's answers")] : []),
      ...(priced ? [column("dollars", "Cost", { unit: "$" })] : []),
    ],
    rows,
    notes: [],
  };
}

/** What the figures of judges are, and whose prices are missing. */
function judgeSentences(stages: readonly StageFacts[], priced: boolean): string {
  const judges = stages.filter(({ answers }) => answers !== null && answers > 0);
  if (judges.length === 0) return "";
  const unknown = judges.filter(({ dollars }) => dollars === null)
    .map(({ instance }) => entryOf(instance));
  const names = [...new Set(unknown)].join(", ");
  return " An answer that several stages share was asked for once, and counts with the first of them." +
    (priced ? " Costs are those of the answers when they were asked for." : "") +
    (names === "" ? "" : ` No prices are known of what these asked: ${names}.`);
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
