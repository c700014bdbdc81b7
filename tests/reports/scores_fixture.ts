import { plainScore, type ScoreTable } from "../../core/score_table.ts";
import type { ScoredTables } from "../../reports/score_tables.ts";

const CATEGORIES = ["Writing", "Roleplay", "Reasoning", "Math", "Coding", "Extraction"];

/** Made-up scores in the shape of the recipe `paper-judgments`: none was measured. */
export function scoresFixture(): ScoredTables[] {
  const made = (instance: string, ...tables: ScoreTable[]) => ({
    origin: { instance, digest: "ab".repeat(32) },
    tables,
  });
  return [made("mt-bench", categories()), made("alpaca-eval", annotations())];
}

function categories(): ScoreTable {
  const grade = { unit: null, better: "higher", digits: 2 } as const;
  const means: Readonly<Record<string, readonly number[]>> = {
    Ref: [7.2, 5.4, 2.6, 1.9, 4.1, 4.4],
    DPO: [8.4, 8.5, 6.5, 6, 4.7, 8],
    "RPO sum": [9.2, 8.1, 6.2, 6.3, 5.5, 8.6],
  };
  return {
    id: "categories",
    title: "MT-Bench, made up",
    heading: "Model",
    caption: "A fixture.",
    columns: [
      { id: "mean", label: "Mean", ...grade },
      ...CATEGORIES.map((id) => ({ id, label: id, ...grade, part: true as const })),
    ],
    rows: Object.entries(means).map(([label, values]) => ({
      id: label.toLowerCase().replace(" ", "-"),
      label,
      values: {
        mean: plainScore(values.reduce((sum, value) => sum + value) / values.length),
        ...Object.fromEntries(CATEGORIES.map((id, i) => [id, plainScore(values[i])])),
      },
      note: null,
    })),
  };
}

function annotations(): ScoreTable {
  const rate = { unit: "%", better: "higher", digits: 2 } as const;
  const rows = { Ref: [4.7, 7.2, 0.7], DPO: [17.3, 21.2, 1.1], "RPO sum": [21, 18.5, 1.2] };
  return {
    id: "annotations",
    title: "AlpacaEval 2.0, made up",
    heading: "Model",
    caption: "A fixture.",
    columns: [
      { id: "lengthControlled", label: "LC win rate", ...rate },
      { id: "winRate", label: "Win rate", ...rate },
      { id: "standardError", label: "Standard error", ...rate },
    ],
    rows: Object.entries(rows).map(([label, [raw, controlled, error]]) => ({
      id: label.toLowerCase().replace(" ", "-"),
      label,
      values: {
        lengthControlled: plainScore(controlled),
        winRate: { value: raw, ci95: [raw - 2, raw + 2] as const, n: 805 },
        standardError: plainScore(error),
      },
      note: null,
    })),
  };
}

/** A made-up sweep of one parameter, and one of two. */
export function sweepFixture(): ScoredTables {
  const table = (metric: string, groups: readonly string[]): ScoreTable => ({
    id: `sweep-${metric}`,
    title: `${metric} against train.eta, made up`,
    heading: "train.eta",
    caption: "A fixture.",
    columns: groups.flatMap((group) =>
      ["DPO", "RPO sum"].map((label) => ({
        ...{ id: `${label} ${group}`, label, ...(group !== "" && { group }) },
        ...{ unit: "reward", better: "higher" as const, digits: 3 },
      }))
    ),
    rows: [0, 0.01, 0.1].map((eta) => ({
      id: `eta=${eta}`,
      label: String(eta),
      values: Object.fromEntries(groups.flatMap((group, i) => [
        [`DPO ${group}`, plainScore(0.7)],
        [`RPO sum ${group}`, { value: 0.7 + eta + i / 10, ci95: [0.6, 0.9 + eta + i / 10], n: 9 }],
      ])),
      note: null,
    })),
  });
  return {
    origin: { instance: "sweep", digest: "cd".repeat(32) },
    tables: [table("gold", [""]), table("kl", ["train.beta = 0.1", "train.beta = 0.3"])],
  };
}
