/** Where score tables hold what a column prints: a table's id, and that of its column. */
export interface ScoreSource {
  readonly table: string;
  readonly value: string;
}

/** A column as the paper sets it. */
export interface PaperColumn {
  /** As files of published numbers name it. */
  readonly id: string;
  readonly label: string;
  readonly group: string | null;
  readonly unit: string | null;
  /** Digits after the point. */
  readonly digits: number;
  /** The first that has a row's number counts. */
  readonly sources: readonly ScoreSource[];
  /** Score columns that bound the number where no source has it. */
  readonly bounds?: { readonly table: string; readonly least: string; readonly most: string };
  /** What is missing where there is no number for a row, as a sentence. */
  readonly missing: string;
}

/** A table of the paper: its rows and columns in order, and where their numbers come from. */
export interface PaperTable {
  readonly title: string;
  /** `duels`: how often the row's system wins over the column's, of the same series. */
  readonly kind: "systems" | "duels";
  /** Whether files of printed numbers hold the table, so that its layout is held to print. */
  readonly heldToPrint: boolean;
  readonly rows: readonly string[];
  readonly columns: readonly PaperColumn[];
}

const METHODS = ["RPO", "Ref", "DPO"];
const seriesRows = (...series: string[]) =>
  series.flatMap((each) => METHODS.map((method) => `${method} (${each})`));

/** Columns of a table of duels, which are all alike. */
function duelColumns(column: Omit<PaperColumn, "id" | "label" | "group" | "unit">): PaperColumn[] {
  return METHODS.map((id) => ({ ...column, id, label: `over ${id}`, group: null, unit: "%" }));
}

const benchmark = (
  id: string,
  label: string,
  more: Pick<PaperColumn, "digits" | "sources" | "missing"> & Partial<PaperColumn>,
): PaperColumn => ({ id, label, group: null, unit: null, ...more });

const EXAM = {
  unit: "%",
  digits: 1,
  sources: [],
  missing: "No score of this model in this benchmark is in these files.",
};

const OF_RESULTS = {
  digits: 1,
  sources: [],
  missing: "No judgments of these two are in these files.",
};

/**
 * The tables of Liu et al. (2024, arXiv 2405.16436) that a report can show filled with other numbers.
 * Table 3 lists settings, and is none of them. `average-loss` is a benchmark table of appendix F, of which
 * the files of printed numbers hold no row: its rows, columns and rounding here are not held to print.
 */
export const PAPER_TABLES = {
  "1": {
    title: "In-data win rates, judged by GPT-4",
    kind: "duels",
    heldToPrint: true,
    rows: seriesRows("beta", "gemma"),
    columns: duelColumns(OF_RESULTS),
  },
  "2": {
    title: "MT-Bench and AlpacaEval 2.0",
    kind: "systems",
    heldToPrint: true,
    rows: [
      ...[...seriesRows("beta"), "zephyr-beta-7b"],
      ...[...seriesRows("gemma"), "zephyr-gemma-7b"],
    ],
    columns: [
      benchmark("MT-Bench", "MT-Bench", {
        digits: 3,
        sources: [
          { table: "grades", value: "mean" },
          { table: "categories", value: "mean" },
        ],
        missing: "Neither grades nor means by category of this model are in these files.",
      }),
      benchmark("AlpacaEval 2.0 LC", "LC win rate", {
        group: "AlpacaEval 2.0",
        unit: "%",
        digits: 2,
        sources: [
          { table: "annotations", value: "harnessLengthControlled" },
          { table: "leaderboard", value: "overAll" },
        ],
        missing: "Neither judgments nor GLM weights of this model are in these files.",
      }),
      benchmark("AlpacaEval 2.0 WR", "Win rate", {
        group: "AlpacaEval 2.0",
        unit: "%",
        digits: 2,
        sources: [
          { table: "annotations", value: "winRate" },
          { table: "leaderboard", value: "publishedWinRate" },
        ],
        missing: "Neither judgments nor a leaderboard row of this model are in these files.",
      }),
    ],
  },
  "4": {
    title: "MT-Bench, pairwise win rates",
    kind: "duels",
    heldToPrint: true,
    rows: seriesRows("beta"),
    columns: duelColumns({
      ...OF_RESULTS,
      digits: 2,
      sources: [{ table: "pairwise", value: "adjustedWinRate" }],
    }),
  },
  "5": {
    title: "AlpacaEval 2.0, pairwise win rates",
    kind: "duels",
    heldToPrint: true,
    rows: seriesRows("gemma"),
    columns: duelColumns({
      digits: 2,
      sources: [],
      bounds: { table: "head-to-head", least: "leastWinRate", most: "mostWinRate" },
      missing: "A win rate without length control rests on judgments, or on the lengths of all " +
        "outputs; of these two, neither is in these files.",
    }),
  },
  "6": {
    title: "AlpacaEval 2.0, pairwise length-controlled win rates",
    kind: "duels",
    heldToPrint: true,
    rows: seriesRows("gemma"),
    columns: duelColumns({
      digits: 2,
      sources: [{ table: "head-to-head", value: "lengthControlled" }],
      missing: "No GLM weights of these two are in these files.",
    }),
  },
  "average-loss": {
    title: "The SFT loss as a mean over tokens: other benchmarks",
    kind: "systems",
    heldToPrint: false,
    rows: [...METHODS.map((method) => `${method} (gemma)`), "zephyr-gemma-7b"],
    columns: ["GSM8K", "ARC", "MBPP"].map((name) => benchmark(name, name, EXAM)),
  },
} as const satisfies Readonly<Record<string, PaperTable>>;

/** Names one of the paper's tables. */
export type PaperTableId = keyof typeof PAPER_TABLES;

/** All of them. */
export const PAPER_TABLE_IDS = Object.keys(PAPER_TABLES) as PaperTableId[];

/** The layout of a table; null for one that is not known. */
export function paperTable(id: string): PaperTable | null {
  return Object.hasOwn(PAPER_TABLES, id) ? PAPER_TABLES[id as PaperTableId] : null;
}

/** The series that a row is of, in parentheses with a blank before: ` (beta)`; empty for none. */
export function seriesOf(row: string): string {
  return /\s*\([^()]*\)$/.exec(row)?.[0] ?? "";
}

/** Whom a column of duels is about, in the series of the row: `Ref` beside `RPO (beta)` is `Ref (beta)`. */
export function opponentOf(row: string, column: string): string {
  return `${column}${seriesOf(row)}`;
}
