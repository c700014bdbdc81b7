import assert from "node:assert/strict";
import { describeDecline, describeStatistics } from "../../eval/verdicts.ts";
import { METRICS } from "../../eval/metrics.ts";

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

Deno.test("describeStatistics() tells one seed from several, and own prompts from shared ones", () => {
  assert.match(describeStatistics([1], "none"), /^One seed/);
  assert.match(describeStatistics([1, 2, 3], "none"), /over 3 seeds, each .* its own test prompts/);
  assert.match(describeStatistics([1, 2], "some"), /some test prompts come in more than one seed/);
  assert.match(
    describeStatistics([1, 2], "all"),
    /all tested on the same prompts, so .* the wider/,
  );
});
