import assert from "node:assert/strict";
import { fastChatPairs } from "../../../eval/judge/harness_rows.ts";
import type { Judged } from "../../../eval/judge/judgment.ts";
import { pairCredits, pairScoresTable } from "../../../eval/judge/pair_scores.ts";
import { scorePairwise } from "../../../eval/mt_bench/pairwise.ts";
import scorePairs from "../../../stages/score_pairs.ts";
import { runStage, temporaryFolder } from "../../stages/run_stage.ts";
import { judgedPairs } from "./judged_pairs.ts";

const input = (from: string, own: Judged, axes: Record<string, number> = {}) => ({
  ...{ from, axes, judged: own },
});

Deno.test("pairCredits(): both orders must agree, else it is a tie; what is not scored is left out", () => {
  const { sample, unscored, inBothOrders, same, first } = pairCredits(
    judgedPairs([[1, 1], [0, 0], [1, 0], [1, 0.5], [0.5, 0.5], [1, null], [null]]),
  );
  assert.deepEqual(sample.values, [100, 0, 50, 50, 50]);
  assert.deepEqual([unscored, inBothOrders, same, first], [2, 5, 3, 0]);
  assert.equal(new Set(sample.items).size, 5);
});

Deno.test("pairCredits() counts where the reply that was shown first is preferred in both orders", () => {
  // The baseline's reply is shown first, then ours: 0 and 1 prefer the first one, 1 and 0 the second.
  const { same, first, inBothOrders } = pairCredits(judgedPairs([[0, 1], [1, 0], [0, 0], [0, 1]]));
  assert.deepEqual([same, first, inBothOrders], [1, 2, 4]);
});

Deno.test("pairCredits(): preferences by log-probs are averaged over the orders", () => {
  const rule = { kind: "logprobs", tokens: ["m", "M"] } as const;
  const { sample, same } = pairCredits(judgedPairs([[0.75, 0.25], [1, 0.5], [0.25]], { rule }));
  assert.deepEqual([sample.values, same], [[50, 75, 25], 0]);
});

Deno.test("the turns of a conversation are one question: its interval is that of FastChat's file", () => {
  const judged = judgedPairs([[1, 1], [1, 1], [0, 0], [0, 0], [1, 0], [1, 1]]);
  const turns = (id: number) => ({ id: String(Math.floor(id / 2)), turn: 1 + id % 2 });
  const talk: Judged = {
    ...judged,
    items: judged.items.map((item, i) => ({
      ...{ ...item, ...turns(i), questions: [`ask ${Math.floor(i / 2)}`, `and then ${i}`] },
      answers: [["theirs", "theirs"], ["ours", "ours"]],
    })),
    judgments: judged.judgments.map((one) => ({ ...one, ...turns(Number(one.id)) })),
  };
  const { values } = pairScoresTable([input("judge", talk)], { models: [], seed: 0 }).rows[0];
  const path = "mt_bench_pair.jsonl";
  const own = scorePairwise(fastChatPairs(talk), { a: "ours", b: "base", path, seed: 0 });
  assert.deepEqual([values.winRate!.value, values.winRate!.ci95], [own.adjustedWinRate, own.ci95]);
});

Deno.test("pairScoresTable() counts by hand, and says what was left out", () => {
  const table = pairScoresTable(
    [
      input("judge@seed=2", judgedPairs([[0, 0], [1, 1]]), { seed: 2 }),
      input("judge@seed=1", judgedPairs([[1, 1], [1, 0], [1, null]]), { seed: 1 }),
    ],
    { models: [{ model: "base", label: "Base" }], seed: 0 },
  );
  assert.match(table.title, /judged by judge: /);
  const [{ label, values, note }] = table.rows;
  assert.equal(label, "ours over Base");
  const plain = ["wins", "losses", "ties", "sameVerdict", "scored"].map((id) => values[id]!.value);
  assert.deepEqual(plain, [2, 1, 1, 75, 80]);
  // 75 in the first seed, 50 in the second.
  assert.deepEqual([values.winRate!.value, values.winRate!.n], [62.5, 4]);
  // Question 0: 0 and 100, question 1: 100 and 50; the mean is 62.5, so that their sums miss it by 25 each
  // way, their error is √(25² + 25²) / 4, and each pair deviates by twice that.
  const needed = Math.ceil(((1.959964 + 0.841621) * Math.sqrt(2 * 25 ** 2) / 2 / 2) ** 2);
  assert.equal(values.neededForTwoPoints!.value, needed);
  assert.equal(note, "1 of 5 pairs have a judgment that is not scored: left out.");
  const none = pairScoresTable([input("judge", judgedPairs([[null]]))], { models: [], seed: 0 });
  assert.deepEqual([none.rows[0].values.winRate, none.rows[0].values.scored!.value], [null, 0]);
});

Deno.test("pairScoresTable() names every input that does not fit the others", () => {
  const inputs = [
    input("a", judgedPairs([[1]])),
    input("b", judgedPairs([[1]], { judge: "another" })),
    input("c", judgedPairs([[7]], { kind: "single", systems: ["ours"] })),
    input("d", judgedPairs([[1]])),
    input("e@seed=1", judgedPairs([[1]]), { seed: 1 }),
  ];
  assert.throws(() => pairScoresTable(inputs, { models: [], seed: 0 }), {
    name: "InputError",
    message: "3 problems:\n" +
      "  b: Expected the judge of a, judge, but found another.\n" +
      "  c: Expected judgments of pairs but found those of single replies.\n" +
      "  d: Expected other systems, or another seed, than those of a.",
  });
});

Deno.test("score-pairs refuses what read-judgments took", async () => {
  const folder = await temporaryFolder();
  await assert.rejects(runStage(scorePairs, {}, { judgments: folder }), {
    name: "InputError",
    message: "judgments: Expected what a judge of ours said but found judgments of others.",
  });
});
