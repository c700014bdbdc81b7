import assert from "node:assert/strict";
import type { Comparison, Estimate } from "../../core/results.ts";
import { describeDecline, describeStatistics, judgeClaims } from "../../eval/verdicts.ts";
import { METRICS } from "../../eval/metrics.ts";

const estimate = (perSeed: number[], ci95: [number, number] | null): Estimate => ({
  mean: perSeed.reduce((a, b) => a + b, 0) / perSeed.length,
  ci95,
  method: `t over ${perSeed.length} seeds`,
  n: 300 * perSeed.length,
  perSeed,
});

function judge(difference: Estimate, metric = "gold"): string {
  const comparison: Comparison = {
    a: "rpo",
    b: "dpo",
    metric,
    wins: 0,
    losses: 0,
    ties: 1,
    winRate: difference,
    difference,
    pValue: 1,
  };
  const system = (id: string) => ({ id, label: id.toUpperCase(), metrics: {}, origins: [] });
  const results = {
    metrics: METRICS,
    systems: [system("rpo"), system("dpo")],
    comparisons: [comparison],
    curves: [],
  };
  return judgeClaims(results, [{ better: "rpo", than: "dpo", on: metric }])[0];
}

Deno.test("judgeClaims() says supported when the interval is above 0", () => {
  assert.equal(
    judge(estimate([0.2, 0.1], [0.05, 0.25])),
    'Claim "RPO is better than DPO", by Gold reward: supported by this run (difference +0.150, ' +
      "95% interval +0.050 to +0.250, t over 2 seeds; ahead in 2 of 2 seeds).",
  );
});

Deno.test("judgeClaims() says contradicted when the interval is below 0", () => {
  assert.match(judge(estimate([-0.2, -0.1], [-0.25, -0.05])), /contradicted by this run .*0 of 2/);
});

Deno.test("judgeClaims() says not decided when the interval holds 0 or there is none", () => {
  assert.match(judge(estimate([0.9, -0.1], [-0.2, 1])), /not decided by this run .*1 of 2 seeds/);
  assert.match(judge(estimate([0.9], null)), /not decided by this run .*no interval\)\.$/);
});

Deno.test("judgeClaims() turns round where lower is better", () => {
  assert.match(judge(estimate([-9, -8], [-12, -5]), "runOn"), /: supported .*−8\.5.*2 of 2 seeds/);
  assert.match(judge(estimate([9, 8], [5, 12]), "runOn"), /: contradicted/);
});

Deno.test("judgeClaims() refuses a pair that was not compared", () => {
  const results = { metrics: METRICS, systems: [], comparisons: [], curves: [] };
  assert.throws(() => judgeClaims(results, [{ better: "a", than: "b", on: "gold" }]), {
    name: "RangeError",
    message: 'Expected "a" to be compared with "b" on "gold" but it was not.',
  });
});

Deno.test("describeDecline() gives each system's fall from its best validation point", () => {
  const curve = (system: string, seed: number, gold: number[]) => ({
    system,
    label: system,
    seed,
    points: gold.map((value, i) => ({ step: i, values: { gold: value } })),
  });
  const results = {
    metrics: METRICS,
    systems: ["dpo", "rpo"].map((id) => ({
      id,
      label: id.toUpperCase(),
      metrics: {},
      origins: [],
    })),
    comparisons: [],
    curves: [
      curve("dpo", 1, [0.5, 0.9, 0.3]),
      curve("dpo", 2, [0.5, 0.9, 0.8]),
      curve("rpo", 1, [0.1, 0.8]),
    ],
  };
  const [sentence] = describeDecline(results, "gold");
  assert.match(
    sentence,
    /validation gold reward: DPO 0\.350 \(by seed 0\.600, 0\.100\); RPO 0\.000\./,
  );
  assert.deepEqual(describeDecline({ ...results, curves: [] }, "gold"), []);
});

Deno.test("describeStatistics() tells one seed from several", () => {
  assert.match(describeStatistics([1]), /^One seed/);
  assert.match(describeStatistics([1, 2, 3]), /over 3 seeds/);
});
