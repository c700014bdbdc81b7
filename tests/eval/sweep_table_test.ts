import assert from "node:assert/strict";
import type { Results } from "../../core/results.ts";
import { sweepTable, type SweptResults } from "../../eval/sweep_table.ts";
import { resultsFixture } from "../reports/results_fixture.ts";

/** The fixture with its gold reward moved. */
function point(axes: Record<string, number>, gold: number): SweptResults {
  const results = resultsFixture();
  const systems = results.systems.map((system) => ({
    ...system,
    metrics: { ...system.metrics, gold: { ...system.metrics.gold, mean: gold, n: 12 } },
  }));
  return {
    from: `compare@${JSON.stringify(axes)}`,
    axes,
    results: { ...results, systems } as Results,
  };
}

const ETA = { axis: "eta", parameter: "train.eta" };
const BETA = { axis: "beta", parameter: "train.beta" };

Deno.test("sweepTable() has a row a value and a column a system", () => {
  const points = [point({ eta: 0 }, 0.5), point({ eta: 0.01 }, 0.25)];
  const table = sweepTable({ points, parameters: [ETA], systems: ["dpo", "rpo-sum"] });
  assert.deepEqual([table.id, table.title, table.heading], [
    "sweep-gold",
    "Gold reward against train.eta",
    "train.eta",
  ]);
  assert.deepEqual(table.columns.map(({ id, label, group }) => [id, label, group]), [
    ["dpo", "DPO", undefined],
    ["rpo-sum", "RPO sum", undefined],
  ]);
  const value = (row: number) => table.rows[row].values.dpo;
  assert.deepEqual(table.rows.map(({ id, label }) => [id, label]), [["eta=0", "0"], [
    "eta=0.01",
    "0.01",
  ]]);
  assert.deepEqual([value(0)?.value, value(0)?.n, value(1)?.value], [0.5, 12, 0.25]);
  assert.deepEqual(value(0)?.ci95, points[0].results.systems[2].metrics.gold.ci95);
});

Deno.test("sweepTable() groups columns by the other parameters", () => {
  const points = [0, 1].flatMap((eta) =>
    [0.1, 0.3].map((beta) => point({ eta, beta }, eta + beta))
  );
  const { rows, columns } = sweepTable({ points, parameters: [ETA, BETA], systems: ["dpo"] });
  assert.deepEqual(columns.map(({ group }) => group), ["train.beta = 0.1", "train.beta = 0.3"]);
  const values = rows.map((row) => columns.map(({ id }) => row.values[id]?.value));
  assert.deepEqual(values, [[0.1, 0.3], [1.1, 1.3]]);
});

Deno.test("sweepTable() names what a point lacks", () => {
  const points = [point({ eta: 0 }, 1)];
  const refused = (over: object, message: RegExp) =>
    assert.throws(() => sweepTable({ points, parameters: [ETA], ...over }), { message });
  refused({ metric: "glod" }, /no metric glod; expected one of .*Did you mean "gold"/);
  refused({ systems: ["dqo"] }, /no system dqo; .*Did you mean "dpo"/);
  refused({ parameters: [ETA, BETA] }, /no axis beta; expected one of eta/);
});
