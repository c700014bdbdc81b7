import assert from "node:assert/strict";
import { join } from "node:path";
import fc from "fast-check";
import {
  type PairJudgment,
  readPairJudgments,
  type Verdict,
} from "../../../eval/mt_bench/judgments.ts";
import { scorePairwise } from "../../../eval/mt_bench/pairwise.ts";
import { SHARED, sharedTest } from "../../shared.ts";

const path = "pairs.jsonl";
const rpo = { a: "rpo", b: "dpo", path, seed: 0 };

/** Turns of questions 81, 82, …, two each, with the verdicts of both orders. */
function judged(verdicts: readonly (readonly [Verdict, Verdict, ...unknown[]])[]): PairJudgment[] {
  return verdicts.map(([g1_winner, g2_winner], i) => ({
    question_id: 81 + Math.floor(i / 2),
    turn: 1 + i % 2,
    judge: ["gpt-4", "pair-v2"],
    model_1: "dpo",
    model_2: "rpo",
    g1_winner,
    g2_winner,
  }));
}

Deno.test("scorePairwise() counts a win in both orders as a win, and all else as a tie", () => {
  const rows = judged([
    ["model_2", "model_2"],
    ["model_2", "model_2"],
    ["model_1", "model_1"],
    ["model_2", "tie"],
    ["model_1", "model_2"],
    ["tie", "tie"],
  ]);
  const { ci95, standardError, ...found } = scorePairwise(rows, rpo);
  assert.deepEqual(found, {
    wins: 2,
    losses: 1,
    ties: 3,
    adjustedWinRate: 100 * 3.5 / 6,
    n: 6,
    unreadable: 0,
    // Model 1, DPO, was shown first in the first order and preferred; then RPO was, and preferred.
    consistency: { consistent: 400 / 6, first: 100 / 6, second: 0, n: 6 },
  });
  assert.ok(ci95![0] <= found.adjustedWinRate && found.adjustedWinRate <= ci95![1]);
  // Credits add up to 200, 50 and 100 in the three questions, where the mean would give 350 / 3 each.
  const squares = [200, 50, 100].map((sum) => (sum - 350 / 3) ** 2).reduce((x, y) => x + y);
  assert.ok(Math.abs(standardError! - Math.sqrt(squares) / 6) < 1e-9);
});

Deno.test("scorePairwise() leaves out what the judge did not say, and counts it", () => {
  const rows = judged([["error", "error"], ["model_2", "error"], ["model_2", "model_2"]]);
  const { wins, n, unreadable } = scorePairwise(rows, rpo);
  assert.deepEqual({ wins, n, unreadable }, { wins: 1, n: 1, unreadable: 2 });
  const none = () => scorePairwise(rows.slice(0, 2), rpo);
  assert.throws(none, { message: "pairs.jsonl: Expected verdicts but found only errors." });
});

Deno.test("scorePairwise() of b over a mirrors that of a over b, whoever is model 1 in the file", () => {
  const verdict = fc.constantFrom<Verdict>("model_1", "model_2", "tie");
  fc.assert(
    fc.property(
      fc.array(fc.tuple(verdict, verdict, fc.boolean()), { minLength: 3, maxLength: 12 }),
      (drawn) => {
        const rows = judged(drawn);
        const turned = { model_1: "model_2", model_2: "model_1", tie: "tie" } as const;
        // The same judgments as a file would have them that calls the other model the first.
        const other = rows.map((row, i) =>
          drawn[i][2] ? row : {
            ...row,
            model_1: "rpo",
            model_2: "dpo",
            g1_winner: turned[row.g2_winner as keyof typeof turned],
            g2_winner: turned[row.g1_winner as keyof typeof turned],
          }
        );
        const found = scorePairwise(rows, rpo);
        assert.deepEqual(scorePairwise(other, rpo), found);
        const mirrored = scorePairwise(rows, { ...rpo, a: "dpo", b: "rpo" });
        assert.deepEqual([mirrored.wins, mirrored.losses], [found.losses, found.wins]);
        assert.ok(Math.abs(mirrored.adjustedWinRate + found.adjustedWinRate - 100) < 1e-9);
        assert.deepEqual(mirrored.consistency, found.consistency);
      },
    ),
    { numRuns: 40, seed: 1 },
  );
});

Deno.test("scorePairwise() treats the turns of a question as one", () => {
  const once = judged([["model_2", "model_2"], ["tie", "tie"], ["model_1", "model_1"]])
    .map((row, i) => ({ ...row, question_id: 81 + i, turn: 1 }));
  const twice = [...once, ...once.map((row) => ({ ...row, turn: 2 }))];
  assert.deepEqual(scorePairwise(twice, rpo).ci95, scorePairwise(once, rpo).ci95);
});

Deno.test("scorePairwise() refuses unknown models, several judges, repeated turns", () => {
  const rows = judged([["tie", "tie"], ["tie", "tie"]]);
  const refused = (request: typeof rpo, judgments: PairJudgment[], message: string) =>
    assert.throws(() => scorePairwise(judgments, request), { name: "InputError", message });
  refused(
    { ...rpo, a: "rpo2", b: "sft" },
    rows,
    '2 problems:\n  --a: Expected a model of pairs.jsonl (dpo, rpo) but found "rpo2". Did you mean ' +
      '"rpo"?\n  --b: Expected a model of pairs.jsonl (dpo, rpo) but found "sft".',
  );
  refused({ ...rpo, b: "rpo" }, rows, '--b: Expected another model than --a, "rpo".');
  const second = rows.map((row) => ({ ...row, judge: ["claude", "pair-v2"] }));
  refused(
    rpo,
    [...rows, ...second],
    "pairs.jsonl: Expected one judge, or --judge to name it, but found claude, gpt-4.",
  );
  const claude = { ...rpo, judge: "claude" };
  assert.equal(scorePairwise([...rows, ...second], claude).n, 2);
  refused(
    rpo,
    [...rows, rows[1]],
    "pairs.jsonl: Expected question 81, turn 2, once but found it again.",
  );
  const third = rows.map((row) => ({ ...row, model_1: "sft", model_2: "ref" }));
  refused(
    { ...rpo, b: "sft" },
    [...rows, ...third],
    'pairs.jsonl: Expected judgments of "rpo" and "sft" but found none.',
  );
});

const PAPER = "data/rpo_paper";
sharedTest("the authors' judgments give the paper's pairwise win rates", PAPER, async () => {
  const published = (await Deno.readTextFile(join(SHARED, PAPER, "published_tables.csv")))
    .split("\n").map((line) => line.split(","));
  const models = [["Ref", "gpt-4_pair_sft_rpo.jsonl"], ["DPO", "gpt-4_pair_dpo_rpo.jsonl"]];
  for (const [column, name] of models) {
    const file = join(SHARED, PAPER, "mt_bench/pair_judgment", name);
    const judgments = await readPairJudgments(file);
    const { model_1: b, model_2: a } = judgments[0];
    const found = scorePairwise(judgments, { a, b, path: file, seed: 0 });
    const printed = published.find((row) =>
      row[0] === "4" && row[1] === "RPO (beta)" && row[2] === column
    )!;
    assert.equal(found.adjustedWinRate.toFixed(2), printed[3]);
    assert.equal(found.n, 160);
    // Counted once more, straight from the file's text.
    const text = await Deno.readTextFile(file);
    const count = (winner: string) =>
      text.match(new RegExp(`"g1_winner": "${winner}", "g2_winner": "${winner}"`, "g"))?.length;
    assert.deepEqual([found.wins, found.losses], [count("model_2"), count("model_1")]);
    assert.equal(found.wins + found.losses + found.ties, found.n);
  }
});
