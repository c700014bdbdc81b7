import assert from "node:assert/strict";
import { InputError } from "../../core/problem.ts";
import type { Results } from "../../core/results.ts";
import { type ClaimTest, verdict } from "../../reports/verdict.ts";
import { reportFixture } from "./report_fixture.ts";
import { resultsFixture } from "./results_fixture.ts";

const test = reportFixture().test as ClaimTest;

/** The fixture with the difference of each method from each opponent set by hand. */
function withDifferences(differences: Record<string, readonly [number, number]>): Results {
  const results = resultsFixture();
  return {
    ...results,
    comparisons: results.comparisons.map((comparison) => {
      const ci95 = test.methods.includes(comparison.a) ? differences[comparison.b] : undefined;
      if (ci95 === undefined) return comparison;
      const mean = (ci95[0] + ci95[1]) / 2;
      return { ...comparison, difference: { ...comparison.difference, mean, ci95 } };
    }),
  };
}

Deno.test("verdict() is supported when every method is better than every opponent", () => {
  const results = withDifferences({
    dpo: [0.1, 0.2],
    "dpo-stopped": [0.01, 0.02],
    sft: [0.1, 0.2],
  });
  const judged = verdict(results, test);
  assert.equal(judged.answer, "supported");
  assert.equal(
    judged.headline,
    "Supported by this run. By Gold reward, RPO sum and RPO sequence_mean: better than DPO at its " +
      "end, DPO stopped by validation and SFT on the chosen replies alone.",
  );
});

Deno.test("verdict() begins with the one seed where there is no other", () => {
  const all = { dpo: [0.1, 0.2], "dpo-stopped": [0.01, 0.02], sft: [0.1, 0.2] } as const;
  const { headline } = verdict({ ...withDifferences(all), seeds: [0] }, test);
  assert.match(headline, /^One seed, these trained models only: supported by this run\. By Gold/);
});

Deno.test("verdict() is in part when only the opponent that the claim names is beaten", () => {
  const results = withDifferences({ dpo: [0.1, 0.2], "dpo-stopped": [-0.2, -0.1], sft: [-1, 1] });
  const judged = verdict(results, test);
  assert.equal(judged.answer, "supported in part");
  assert.equal(
    judged.headline,
    "Supported in part by this run. By Gold reward, RPO sum and RPO sequence_mean: better than DPO " +
      "at its end; worse than DPO stopped by validation; cannot be told apart from SFT on the " +
      "chosen replies alone.",
  );
});

Deno.test("verdict() is not supported when a control wins and DPO at its end is not beaten", () => {
  const results = withDifferences({ dpo: [-1, 1], "dpo-stopped": [-0.2, -0.1], sft: [0.1, 0.2] });
  assert.equal(verdict(results, test).answer, "not supported");
});

Deno.test("verdict() cannot tell when one collapsed seed makes the interval over seeds hold zero", () => {
  const judged = verdict(resultsFixture(), test);
  assert.equal(judged.answer, "cannot be told apart");
  const end = judged.duels.find(({ opponent }) => opponent === "DPO at its end")!;
  assert.ok(end.comparison!.pValue < 0.05 && end.comparison!.difference.ci95![0] < 0);
  assert.match(
    judged.sentences[0],
    /^Whether there was over-optimisation to prevent, this run cannot/,
  );
  assert.match(judged.sentences[1], /DPO 0\.250 to 0\.880;/);
});

Deno.test("verdict() turns its sides where a lower value is better", () => {
  const results = withDifferences({ dpo: [0.1, 0.2], "dpo-stopped": [0.1, 0.2], sft: [0.1, 0.2] });
  const gold = { ...results.metrics.gold, better: "lower" as const };
  const judged = verdict({ ...results, metrics: { ...results.metrics, gold } }, test);
  assert.equal(judged.answer, "not supported");
  assert.ok(judged.duels.every(({ outcome }) => outcome === "worse"));
});

Deno.test("verdict() never calls the claim supported while an opponent is missing", () => {
  const results = withDifferences({ dpo: [0.1, 0.2], "dpo-stopped": [0.1, 0.2], sft: [0.1, 0.2] });
  const comparisons = results.comparisons.filter(({ a, b }) => a !== "sft" && b !== "sft");
  const judged = verdict({ ...results, comparisons }, test);
  assert.equal(judged.answer, "supported in part");
  assert.match(judged.headline, /not compared with SFT on the chosen replies alone\.$/);
});

Deno.test("verdict() names every metric and system that the results lack, with the nearest", () => {
  const wrong: ClaimTest = {
    metric: "gould",
    methods: ["rpo-sums"],
    opponents: [{ system: "sfd", as: "SFT" }],
    overOptimised: { end: "dpo", stopped: "dpo-stoped" },
  };
  assert.throws(() => verdict(resultsFixture(), wrong), (error) => {
    assert.ok(error instanceof InputError);
    assert.deepEqual(error.problems.map(({ path, nearest }) => [path, nearest]), [
      ["test.metric", "gold"],
      ["test.methods[0]", "rpo-sum"],
      ["test.opponents[0].system", "sft"],
      ["test.overOptimised.stopped", "dpo-stopped"],
    ]);
    return true;
  });
});
