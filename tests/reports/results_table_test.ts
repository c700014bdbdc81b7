import assert from "node:assert/strict";
import { InputError } from "../../core/problem.ts";
import type { Comparison, Results } from "../../core/results.ts";
import { duelsTable } from "../../reports/duels_table.ts";
import { verdict } from "../../reports/verdict.ts";
import { comparisonsTable } from "../../reports/comparisons_table.ts";
import { renderText } from "../../reports/text.ts";
import { resultsTable } from "../../reports/results_table.ts";
import { metricsTable } from "../../reports/metrics_table.ts";
import { seedsTable } from "../../reports/seeds_table.ts";
import { displayWidth } from "../../core/display_width.ts";
import { isQuantity } from "../../reports/table.ts";
import { reportFixture } from "./report_fixture.ts";
import { resultsFixture } from "./results_fixture.ts";

const columns = [
  { metric: "gold" },
  { winRateOver: "ref" },
  { winRateOver: "dpo" },
  { metric: "accuracy" },
  { metric: "kl" },
] as const;

function table(results: Results) {
  return resultsTable(results, { title: "Results", columns });
}

function best(results: Results, column: number): string[] {
  return table(results).rows.filter(({ cells }) => cells[column].best).map(({ id }) => id);
}

/** The fixture with every comparison rewritten. */
function withComparisons(change: (comparison: Comparison) => Comparison): Results {
  const results = resultsFixture();
  return { ...results, comparisons: results.comparisons.map(change) };
}

Deno.test("resultsTable() marks no best value while one other system cannot be told apart", () => {
  assert.deepEqual(best(resultsFixture(), 1), []);
});

/** The difference with an interval that leaves out zero, on the side of its mean. */
function decided(comparison: Comparison): Comparison {
  const { mean } = comparison.difference;
  const ci95: [number, number] = mean > 0 ? [0.5 * mean, 2 * mean] : [2 * mean, 0.5 * mean];
  return { ...comparison, difference: { ...comparison.difference, ci95 } };
}

Deno.test("resultsTable() marks the best value once the paired difference from every other leaves out zero", () => {
  assert.deepEqual(best(withComparisons(decided), 1), ["dpo-stopped"]);
});

Deno.test("resultsTable() marks nothing at an interval's end of zero, nor when a comparison is missing, nor against its sign", () => {
  const touching = withComparisons((comparison) => ({
    ...comparison,
    difference: { ...comparison.difference, ci95: [0, 1] },
  }));
  assert.deepEqual(best(touching, 1), []);
  const all = withComparisons(decided);
  const fewer = all.comparisons.filter(({ a, b }) => !(a === "dpo-stopped" && b === "ref"));
  assert.deepEqual(best({ ...all, comparisons: fewer }, 1), []);
  const turned = withComparisons((c) =>
    decided({ ...c, difference: { ...c.difference, mean: -c.difference.mean } })
  );
  assert.deepEqual(best(turned, 1), []);
});

Deno.test("resultsTable() names the columns in which the best was not compared with every other", () => {
  const { caption } = table(resultsFixture());
  assert.match(caption, /in no column was one system shown to be better/);
  assert.match(
    caption,
    /The best was not compared with every other system in: Preference accuracy\.$/,
  );
  const all = withComparisons(decided);
  const fewer = all.comparisons.filter(({ a, b }) => !(a === "dpo-stopped" && b === "ref"));
  assert.match(
    table({ ...all, comparisons: fewer }).caption,
    /in: Gold reward, Win rate over DPO, Preference accuracy\.$/,
  );
});

Deno.test("resultsTable() holds the best win rate against the column's own baseline, too", () => {
  const over = (from: string) =>
    resultsTable(withComparisons(decided), { title: "t", columns: [{ winRateOver: from }] });
  const marked = (from: string) =>
    over(from).rows.filter(({ cells }) => cells[1].best).map(({ id }) => id);
  assert.deepEqual(marked("ref"), ["dpo-stopped"]);
  // Nobody beats the best system, which has no win rate over itself to mark.
  assert.deepEqual(marked("dpo-stopped"), []);
  assert.match(over("dpo-stopped").caption, /No value is marked as best/);
});

Deno.test("resultsTable() tells how many distinct prompts are behind n", () => {
  assert.match(
    table(resultsFixture()).caption,
    /n counts items, all seeds together: 900 are of 450 distinct prompts, 600 are of 300/,
  );
});

Deno.test("metricsTable() shows every metric of every system, measured or not", () => {
  const results = resultsFixture();
  const [ref, ...others] = results.systems;
  const { kl: _, ...withoutKl } = ref.metrics;
  const made = metricsTable({ ...results, systems: [{ ...ref, metrics: withoutKl }, ...others] });
  const heads = made.rows.map(({ cells }) => cells[0].content);
  assert.deepEqual(heads, ["Gold reward ↑", "Preference accuracy (%) ↑", "KL to Ref (nats)"]);
  assert.equal(made.rows[2].cells[2].content, null);
  const sft = made.rows[0].cells[3];
  assert.ok(isQuantity(sft.content));
  assert.equal(sft.content.value, others[0].metrics.gold.mean);
  assert.deepEqual(sft.content.interval, others[0].metrics.gold.ci95);
});

Deno.test("resultsTable() never marks a metric that has no better direction", () => {
  assert.deepEqual(best(withComparisons((c) => ({ ...decided(c), metric: "kl" })), 5), []);
});

Deno.test("resultsTable() turns a comparison round when the results hold it the other way", () => {
  const rows = table(resultsFixture()).rows;
  const ref = rows.find(({ id }) => id === "ref")!.cells[3].content;
  const dpo = rows.find(({ id }) => id === "dpo")!.cells[2].content;
  assert.ok(isQuantity(ref) && isQuantity(dpo));
  assert.ok(Math.abs(ref.value - (100 - dpo.value)) < 1e-9);
  assert.ok(ref.interval![0] < ref.value && ref.value < ref.interval![1]);
});

Deno.test("resultsTable() leaves a system's win rate over itself empty", () => {
  const rows = table(resultsFixture()).rows;
  assert.equal(rows.find(({ id }) => id === "dpo")!.cells[3].content, null);
});

Deno.test("resultsTable() notes what was not measured and what rests on fewer seeds", () => {
  const results = resultsFixture();
  const [ref, sft, ...others] = results.systems;
  const { kl: _, ...withoutKl } = ref.metrics;
  const accuracy = { ...sft.metrics.accuracy, perSeed: [70, null, 80] };
  const made = table({
    ...results,
    systems: [
      { ...ref, metrics: withoutKl },
      { ...sft, metrics: { ...sft.metrics, accuracy } },
      ...others,
    ],
  });
  assert.deepEqual([...made.notes].sort(), ["From 2 of 3 seeds.", "Not measured in this run."]);
  assert.match(renderText(made), /– \([ab]\)/);
});

Deno.test("resultsTable() reports every unknown name at once with the nearest known one", () => {
  const bad = [{ metric: "goId" }, { winRateOver: "dppo", on: "k" }];
  assert.throws(
    () => resultsTable(resultsFixture(), { title: "x", columns: bad, rows: ["rpo-sun"] }),
    (error) => {
      assert.ok(error instanceof InputError);
      assert.deepEqual(error.problems.map(({ path, nearest }) => [path, nearest]), [
        ["table.rows[0]", "rpo-sum"],
        ["table.columns[0].metric", "gold"],
        ["table.columns[1].winRateOver", "dpo"],
        ["table.columns[1].on", "kl"],
      ]);
      return true;
    },
  );
});

Deno.test("every number of the results table names the instances it came from", () => {
  for (const { cells } of table(resultsFixture()).rows) {
    for (const cell of cells.filter(({ content }) => isQuantity(content))) {
      assert.ok(cell.origins.length >= 3);
    }
  }
});

Deno.test("renderText() fits 100 columns, and sets the rest in a second block below 100", () => {
  const lines = renderText(table(resultsFixture())).split("\n");
  assert.ok(lines.every((line) => displayWidth(line) <= 100));
  assert.equal(lines.filter((line) => line.startsWith("System")).length, 1);
  const narrow = renderText(table(resultsFixture()), { width: 60 }).split("\n");
  assert.ok(narrow.every((line) => displayWidth(line) <= 60));
  assert.equal(narrow.filter((line) => line.startsWith("System")).length, 2);
  for (const label of ["Gold reward", "accuracy", "KL to Ref"]) {
    assert.ok(narrow.some((line) => line.includes(label)), label);
  }
});

Deno.test("seedsTable() shows each seed's own number with that seed's origin", () => {
  const seeds = seedsTable(resultsFixture());
  assert.equal(seeds.rows.length, 18);
  const dpo = seeds.rows.find(({ id }) => id === "dpo@seed=0")!;
  assert.deepEqual(dpo.cells[2].content, { value: 0.25, digits: 3, interval: null, n: null });
  assert.deepEqual(dpo.cells[2].origins.map(({ instance }) => instance), ["evaluate/dpo@seed=0"]);
});

Deno.test("seedsTable() says where the metrics are that it leaves out", () => {
  assert.match(seedsTable(resultsFixture(), ["gold"]).caption, /under Everything measured\.$/);
  assert.doesNotMatch(seedsTable(resultsFixture()).caption, /Everything measured/);
});

Deno.test("comparisonsTable() says what its intervals count, and what p counts", () => {
  const results = resultsFixture();
  assert.match(
    comparisonsTable(results, "gold").caption,
    /Interval: t over 3 seeds\. Over seeds, it says whether training again .* p counts prompts, .* can be small/,
  );
  const { caption } = comparisonsTable({
    ...results,
    comparisons: results.comparisons.map((comparison) => ({
      ...comparison,
      difference: { ...comparison.difference, method: "bootstrap over 300 prompts" },
    })),
  }, "gold");
  assert.match(
    caption,
    /Interval: bootstrap over 300 prompts\. p counts prompts, .* as trained\.$/,
  );
});

Deno.test("the table from which the answer follows holds no number that does not decide", () => {
  const { results, test } = reportFixture();
  const table = duelsTable(verdict(results, test!).duels, results, test!.metric);
  assert.deepEqual(table.columns.map(({ label }) => label), [
    ...["System", "Against", "Outcome", "Difference", "95% interval"],
  ]);
  assert.match(table.caption, /^Difference: Gold reward, .* Interval: t over 3 seeds\. Over seeds/);
});

Deno.test("comparisonsTable() shows counts and p-values of one metric's comparisons", () => {
  const text = renderText(comparisonsTable(resultsFixture(), "gold"), { width: 120 });
  assert.match(
    text,
    /RPO sum +DPO, stopped +298 +302 +300 +49\.8 ± 0\.9 +−0\.007 +\[−0\.035, 0\.022\] +0\.430/,
  );
});
