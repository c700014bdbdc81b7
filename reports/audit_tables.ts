import type { Spread } from "../core/spread.ts";
import { column } from "./comparisons_table.ts";
import { type Cell, countCell, type Table, textCell } from "./table.ts";

const PARTS = ["prompt", "chosen", "rejected"] as const;

/** What a report shows of an audit: the part of `audit.json` that it reads. */
export interface Audit {
  readonly passed: boolean;
  readonly sets: readonly {
    readonly name: string;
    readonly role: string;
    readonly pairs: number;
    /** Pairs by the side that lost tokens; `none` counts those that lost nothing. */
    readonly truncation: Readonly<Record<string, number>>;
    /** In tokens; null where a set has none, as prompts alone. */
    readonly lengths: {
      readonly [When in "before" | "after"]: {
        readonly [Part in (typeof PARTS)[number]]: Spread | null;
      };
    };
  }[];
  readonly findings: readonly {
    readonly severity: string;
    readonly accepted: boolean;
    readonly set: string;
    readonly count: number;
    /** Ids of the first rows concerned. */
    readonly rows: readonly string[];
    readonly message: string;
    /** What to do about it. */
    readonly remedy: string;
  }[];
}

/** The sets that audits looked at, each once: how many pairs, how many truncated. */
export function auditedSetsTable(audits: readonly Audit[]): Table {
  return {
    id: "audited-sets",
    title: "Sets of pairs",
    caption: "",
    columns: [
      column("set", "Set", { align: "left" }),
      column("role", "Role", { align: "left" }),
      column("pairs", "Pairs"),
      column("truncated", "Truncated"),
    ],
    rows: setsOf(audits).map(({ name, role, pairs, truncation }) => {
      const truncated = Object.entries(truncation)
        .reduce((sum, [side, pairs]) => side === "none" ? sum : sum + pairs, 0);
      const cells = [textCell(name), textCell(role), countCell(pairs), countCell(truncated)];
      return { id: name, cells };
    }),
    notes: [],
  };
}

const FIGURES = [
  ["mean", "Mean"],
  ["median", "Median"],
  ["p90", "p90"],
  ["p99", "p99"],
  ["max", "Longest"],
] as const;

/** How long the parts of the sets are, before truncation and after it; null when none has tokens. */
export function auditedLengthsTable(audits: readonly Audit[]): Table | null {
  const rows = setsOf(audits).flatMap(({ name, lengths: { before, after } }) =>
    PARTS.flatMap((part) => {
      const [long, cut] = [before[part], after[part]];
      if (long === null || cut === null) return [];
      const figures = [long, cut].flatMap((lengths) =>
        FIGURES.map(([id]) => id === "mean" ? meanCell(lengths.mean) : countCell(lengths[id]))
      );
      return [{ id: `${name} ${part}`, cells: [textCell(name), textCell(part), ...figures] }];
    })
  );
  if (rows.length === 0) return null;
  return {
    id: "audited-lengths",
    title: "Lengths",
    caption: "Tokens. 90% are no longer than p90, 99% no longer than p99.",
    columns: [
      column("set", "Set", { align: "left" }),
      column("part", "Part", { align: "left" }),
      ...["Before", "After"].flatMap((when) =>
        FIGURES.map(([id, label]) =>
          column(`${when.toLowerCase()}-${id}`, label, { group: `${when} truncation` })
        )
      ),
    ],
    rows,
    notes: [],
  };
}

function setsOf(audits: readonly Audit[]): Audit["sets"] {
  return [...new Map(audits.flatMap(({ sets }) => sets.map((set) => [set.name, set]))).values()];
}

function meanCell(value: number): Cell {
  return { ...countCell(value), content: { value, digits: 1, interval: null, n: null } };
}

/** Everything that audits found; null when they found nothing. */
export function findingsTable(audits: readonly Audit[]): Table | null {
  const findings = audits.flatMap(({ findings }) => findings);
  if (findings.length === 0) return null;
  return {
    id: "findings",
    title: "Findings",
    caption: "",
    columns: [
      column("set", "Set", { align: "left" }),
      column("finding", "Finding", { align: "left" }),
      column("rows", "Rows"),
      column("severity", "Severity", { align: "left" }),
      column("first", "Which rows", { align: "left" }),
      column("remedy", "What to do", { align: "left" }),
    ],
    rows: findings.map(({ set, message, count, severity, accepted, rows, remedy }, i) => ({
      id: String(i),
      cells: [
        textCell(set),
        textCell(message),
        countCell(count),
        textCell(accepted ? `${severity}, accepted by the recipe` : severity),
        textCell(namedRows(rows, count)),
        textCell(remedy),
      ],
    })),
    notes: [],
  };
}

/** The rows that a finding names, which are the first of those concerned. */
function namedRows(rows: readonly string[], count: number): string {
  return rows.join(", ") + (count > rows.length ? `, … ${count - rows.length} more` : "");
}
