import { column } from "./comparisons_table.ts";
import { countCell, emptyCell, type Table, textCell } from "./table.ts";

/** How long the replies of a set are, in tokens. */
interface Lengths {
  readonly median: number;
  readonly max: number;
}

/** What a report shows of an audit: the part of `audit.json` that it reads. */
export interface Audit {
  readonly passed: boolean;
  readonly sets: readonly {
    readonly name: string;
    readonly role: string;
    readonly pairs: number;
    /** Pairs by the side that lost tokens; `none` counts those that lost nothing. */
    readonly truncation: Readonly<Record<string, number>>;
    readonly lengths: {
      readonly after: Readonly<Record<"prompt" | "chosen" | "rejected", Lengths | null>>;
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

/** The sets that audits looked at, each once: how many pairs, how many truncated, how long. */
export function auditedSetsTable(audits: readonly Audit[]): Table {
  const sets = new Map(audits.flatMap(({ sets }) => sets.map((set) => [set.name, set])));
  return {
    id: "audited-sets",
    title: "Sets of pairs",
    caption: "Lengths after truncation: median / longest.",
    columns: [
      column("set", "Set", { align: "left" }),
      column("role", "Role", { align: "left" }),
      column("pairs", "Pairs"),
      column("truncated", "Truncated"),
      ...["Prompt", "Chosen", "Rejected"].map((part) => column(part, part, { unit: "tokens" })),
    ],
    rows: [...sets.values()].map((set) => {
      const truncated = Object.entries(set.truncation)
        .reduce((sum, [side, pairs]) => side === "none" ? sum : sum + pairs, 0);
      const { prompt, chosen, rejected } = set.lengths.after;
      return {
        id: set.name,
        cells: [
          textCell(set.name),
          textCell(set.role),
          countCell(set.pairs),
          countCell(truncated),
          ...[prompt, chosen, rejected].map((lengths) =>
            lengths === null ? emptyCell() : textCell(`${lengths.median} / ${lengths.max}`)
          ),
        ],
      };
    }),
    notes: [],
  };
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
      column("first", "The first of them", { align: "left" }),
      column("remedy", "What to do", { align: "left" }),
    ],
    rows: findings.map(({ set, message, count, severity, accepted, rows, remedy }, i) => ({
      id: String(i),
      cells: [
        textCell(set),
        textCell(message),
        countCell(count),
        textCell(accepted ? `${severity}, accepted by the recipe` : severity),
        textCell(firstOf(rows, count)),
        textCell(remedy),
      ],
    })),
    notes: [],
  };
}

/** Rows named in a table. */
const MOST_ROWS = 5;

function firstOf(rows: readonly string[], count: number): string {
  return rows.slice(0, MOST_ROWS).join(", ") + (count > MOST_ROWS ? ", …" : "");
}
