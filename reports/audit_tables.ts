import type { Spread } from "../core/spread.ts";
import { column } from "./comparisons_table.ts";
import { type Cell, countCell, type Origin, type Table, textCell } from "./table.ts";

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

/** An audit with the stage that made it. */
export interface OriginatedAudit extends Audit {
  readonly origin: Origin;
}

/** The tables of audits, what they found first; those that there is something to show in. */
export function auditTables(audits: readonly OriginatedAudit[]): Table[] {
  if (audits.length === 0) return [];
  return [findingsTable(audits), auditedSetsTable(audits), auditedLengthsTable(audits)]
    .filter((table) => table !== null);
}

/** The sets that audits looked at, each once: how many pairs, how many truncated. */
export function auditedSetsTable(audits: readonly OriginatedAudit[]): Table {
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
    rows: setsOf(audits).map(({ label, origins, set: { role, pairs, truncation } }) => {
      const truncated = Object.entries(truncation)
        .reduce((sum, [side, pairs]) => side === "none" ? sum : sum + pairs, 0);
      const cells = [textCell(label), textCell(role), countCell(pairs), countCell(truncated)];
      return { id: label, cells: from(origins, cells) };
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
export function auditedLengthsTable(audits: readonly OriginatedAudit[]): Table | null {
  const rows = setsOf(audits).flatMap(({ label, origins, set: { lengths: { before, after } } }) =>
    PARTS.flatMap((part) => {
      const [long, cut] = [before[part], after[part]];
      if (long === null || cut === null) return [];
      const figures = [long, cut].flatMap((lengths) =>
        FIGURES.map(([id]) => id === "mean" ? meanCell(lengths.mean) : countCell(lengths[id]))
      );
      const cells = [textCell(label), textCell(part), ...figures];
      return [{ id: `${label} ${part}`, cells: from(origins, cells) }];
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

/** A set, and the audits that found it so. */
interface AuditedSet {
  /** Its name; with its audits' where another set is called the same, as training sets of seeds are. */
  readonly label: string;
  readonly set: Audit["sets"][number];
  readonly origins: readonly Origin[];
}

function setsOf(audits: readonly OriginatedAudit[]): AuditedSet[] {
  const told = audits.flatMap(({ sets, origin }) => sets.map((set) => ({ set, origin })));
  return [...Map.groupBy(told, ({ set }) => set.name)].flatMap(([name, named]) => {
    const versions = [...Map.groupBy(named, ({ set }) => JSON.stringify(set)).values()];
    return versions.map((same) => {
      const origins = same.map(({ origin }) => origin);
      const by = origins.map(({ instance }) => instance).join(", ");
      return { label: versions.length === 1 ? name : `${name} (${by})`, set: same[0].set, origins };
    });
  });
}

/** Cells of a row, all from the same audits; the first names the row. */
function from(origins: readonly Origin[], [name, ...cells]: readonly Cell[]): Cell[] {
  return [name, ...cells.map((cell) => ({ ...cell, origins }))];
}

function meanCell(value: number): Cell {
  return { ...countCell(value), content: { value, digits: 1, interval: null, n: null } };
}

/** Everything that audits found; null when they found nothing. */
export function findingsTable(audits: readonly OriginatedAudit[]): Table | null {
  const findings = audits.flatMap(({ findings, origin }) =>
    findings.map((finding) => ({ ...finding, origin }))
  );
  if (findings.length === 0) return null;
  const labels = new Map(
    setsOf(audits).flatMap(({ label, set, origins }) =>
      origins.map(({ instance }) => [`${set.name} ${instance}`, label])
    ),
  );
  return {
    id: "findings",
    title: "Findings",
    caption: "",
    columns: [
      column("set", "Set", { align: "left" }),
      column("finding", "Finding", { align: "left" }),
      column("rows", "Rows"),
      column("severity", "Severity", { align: "left" }),
      column("remedy", "What to do", { align: "left" }),
      column("first", "Which rows", { align: "left" }),
    ],
    rows: findings.map(({ set, message, count, severity, accepted, rows, remedy, origin }, i) => ({
      id: String(i + 1),
      cells: from([origin], [
        textCell(labels.get(`${set} ${origin.instance}`) ?? set),
        textCell(message),
        countCell(count),
        textCell(accepted ? `${severity}, accepted by the recipe` : severity),
        textCell(remedy),
        textCell(namedRows(rows, count)),
      ]),
    })),
    notes: [],
  };
}

/** The rows that a finding names, which are the first of those concerned. */
function namedRows(rows: readonly string[], count: number): string {
  return rows.join(", ") + (count > rows.length ? `, … ${count - rows.length} more` : "");
}
