import type { PublishedCell } from "../../core/published_cell.ts";
import type { Score, ScoreRow, ScoreTable } from "../../core/score_table.ts";
import { reconcile } from "../../reports/reconcile/reconcile.ts";
import type { OriginatedReconciliation } from "../../reports/reconcile/reconciliation_tables.ts";
import type { ScoredTables } from "../../reports/score_tables.ts";

const score = (value: number, more: Partial<Score> = {}): Score => ({
  value,
  ci95: null,
  n: null,
  ...more,
});
const row = (id: string, label: string, values: ScoreRow["values"]): ScoreRow => ({
  ...{ id, label, values, note: null },
});
const table = (id: string, rows: readonly ScoreRow[]): ScoreTable => ({
  ...{ id, title: `Made-up ${id}`, heading: "Model", caption: "", columns: [], rows },
});
const duel = (value: number, counts: readonly number[], ci95: [number, number]) => ({
  ...{ wins: score(counts[0]), losses: score(counts[1]), ties: score(counts[2]) },
  adjustedWinRate: score(value, { ci95, n: 20 }),
});
const ranked = (lc: number, winRate: number, n: number, length: number) => ({
  ...{ overAll: score(lc, { n: 100 }), lengthControlled: score(lc, { n }) },
  ...{ publishedLc: score(lc), publishedWinRate: score(winRate) },
  ...{ discreteWinRate: score(winRate, { n }), publishedLength: score(length) },
});

/** Made-up scores of both benchmarks, under the names that the paper's tables have. */
export function scoredFixture(): ScoredTables[] {
  return [
    {
      origin: { instance: "mt-bench", digest: "aa" },
      tables: [
        table("pairwise", [
          row("r:d", "RPO (beta) over DPO (beta)", duel(60, [10, 6, 4], [45, 74])),
          row("r:s", "RPO (beta) over Ref (beta)", duel(70, [13, 5, 2], [55, 84])),
        ]),
        table("categories", [
          row("base", "Ref (beta)", { mean: score(5.25), Math: score(5), Writing: score(5.5) }),
          row("rpo", "RPO (gemma)", { mean: score(7.9125), Math: score(7), Writing: score(8.825) }),
        ]),
      ],
    },
    {
      origin: { instance: "alpaca-eval", digest: "bb" },
      tables: [
        table("leaderboard", [
          row("beta_rpo", "RPO (beta)", {
            ...ranked(20.004, 19.5, 98, 1700),
            byInstruction: score(18, { ci95: [16, 19.5], n: 98 }),
          }),
          row("dpo_tr", "DPO (gemma)", ranked(15.004, 13.69, 100, 1600)),
          row("rpo_tr", "RPO (gemma)", {
            ...{ overAll: score(16.1, { n: 100 }), lengthControlled: score(16.1, { n: 100 }) },
          }),
          row("dpo", "dpo", ranked(6, 9, 97, 5000)),
          row("dpo_re", "dpo_re", ranked(8, 10, 100, 4500)),
        ]),
        table("head-to-head", [
          row("r:s", "RPO (gemma) over Ref (gemma)", {
            ...{ lengthControlled: score(65.004, { n: 100 }) },
            ...{ leastWinRate: score(30), mostWinRate: score(90) },
          }),
        ]),
      ],
    },
  ];
}

/** Made-up printed numbers that disagree with the scores in every way that is looked for. */
export function publishedFixture(): PublishedCell[] {
  const printed: readonly [string, string, string, string][] = [
    ["1", "RPO (beta)", "Ref", "79.0"],
    ["2", "RPO (beta)", "MT-Bench", "7.400"],
    ["2", "RPO (beta)", "AlpacaEval 2.0 LC", "20.00"],
    ["2", "RPO (beta)", "AlpacaEval 2.0 WR", "19.50"],
    ["2", "Ref (beta)", "MT-Bench", "5.100"],
    ["2", "RPO (gemma)", "MT-Bench", "7.913"],
    ["2", "RPO (gemma)", "AlpacaEval 2.0 LC", "16.10"],
    ["2", "DPO (gemma)", "AlpacaEval 2.0 LC", "15.00"],
    ["2", "DPO (gemma)", "AlpacaEval 2.0 WR", "13.69"],
    ["3", "beta and gemma", "warm-up ratio", "1.0"],
    ["4", "RPO (beta)", "Ref", "70.00"],
    ["4", "RPO (beta)", "DPO", "60.00"],
    ["4", "Ref (beta)", "RPO", "30.00"],
    ["4", "Ref (beta)", "DPO", "20.00"],
    ["4", "DPO (beta)", "RPO", "80.00"],
    ["4", "DPO (beta)", "Ref", "40.00"],
    ["5", "RPO (gemma)", "Ref", "85.00"],
    ["6", "RPO (gemma)", "Ref", "65.00"],
    ["6", "Ref (gemma)", "RPO", "36.00"],
    ["9", "RPO (beta)", "Ref", "1"],
  ];
  return printed.map(([table, row, column, value]) => ({
    ...{ table, row, column, value: Number(value), note: null },
    digits: value.split(".")[1]?.length ?? 0,
  }));
}

/** The printed numbers held to the scores. */
export function reconciliationFixture(): OriginatedReconciliation {
  const settings = [{ table: "3", column: "warm-up ratio", value: 0.1, from: "one and other" }];
  const found = reconcile(publishedFixture(), {
    ...{ scores: scoredFixture(), settings, tolerance: "printed" },
  });
  return { ...found, origin: { instance: "reconcile", digest: "cc" } };
}
