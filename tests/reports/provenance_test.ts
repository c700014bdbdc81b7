import assert from "node:assert/strict";
import { InputError } from "../../core/problem.ts";
import { findCell } from "../../reports/find_cell.ts";
import { traceReport } from "../../reports/html_report.ts";
import { stagesOf, type TracedCell } from "../../reports/provenance.ts";
import { provenanceText, tracedTablesText } from "../../reports/provenance_text.ts";
import type { StageFacts } from "../../reports/run_facts.ts";
import { reportFixture, runFactsFixture, stageFixture } from "./report_fixture.ts";

const provenance = traceReport(reportFixture(), runFactsFixture());

/** The chain of a cell as `kind: instances`. */
function chainOf({ chain }: TracedCell): string[] {
  return provenance.chains[chain].map((step) =>
    `${step.kind}: ${stagesOf(provenance, step).map(({ instance }) => instance).join(" ")}`
  );
}

Deno.test("a cell's chain leads from the report through evaluation, weights and tokens to the data", () => {
  const { cell } = findCell(provenance, { row: "dpo", column: "gold" });
  assert.deepEqual(chainOf(cell), [
    "Report: report",
    "Scores and comparisons: compare",
    "Judgments and measurements: evaluate/dpo@seed=2 evaluate/dpo@seed=1 evaluate/dpo@seed=0",
    "Weights: train/dpo@seed=2 train/dpo@seed=1 train/dpo@seed=0",
    "Tokens: tokens@seed=2 tokens@seed=1 tokens@seed=0",
    "Data: world@seed=2 world@seed=1 world@seed=0",
  ]);
});

Deno.test("what a report shows prompt by prompt alone is in no cell's chain", () => {
  const run = runFactsFixture();
  const [report, ...before] = run.stages.toReversed();
  const evaluated = before.find(({ instance }) => instance === "evaluate/dpo@seed=0")!;
  const read = (stage: StageFacts, port: string) => ({
    ...{ port, instance: stage.instance, digest: stage.outputs[0].digest },
  });
  const judge = stageFixture("judge/dpo@seed=0", "judgments", {
    inputs: [read(evaluated, "replies")],
  });
  const shows = { ...report, inputs: [...report.inputs, read(judge, "judgments")] };
  const stages = [...before.toReversed(), judge, shows];
  const traced = traceReport(reportFixture(), { ...run, stages });
  assert.ok(
    !traced.chains.flat().some(({ stages }) => stages.includes(traced.stages.indexOf(judge))),
  );
});

Deno.test("one seed's cell comes from that seed alone, a win rate from both systems", () => {
  const one = findCell(provenance, { row: "dpo@seed=1", column: "gold" });
  assert.equal(one.table.id, "seeds");
  assert.deepEqual(chainOf(one.cell).slice(2, 4), [
    "Judgments and measurements: evaluate/dpo@seed=1",
    "Weights: train/dpo@seed=1",
  ]);
  const { cell } = findCell(provenance, { row: "RPO sum", column: "over DPO" });
  const weights = chainOf(cell).find((line) => line.startsWith("Weights"))!;
  assert.match(weights, /train\/rpo-sum@seed=0.*train\/dpo@seed=0/);
});

Deno.test("every number of the main table, the duels, the comparisons, the seeds and the metrics is traced", () => {
  assert.deepEqual(provenance.tables.map(({ id }) => id), [
    ...["results", "duels", "comparisons-gold", "seeds", "metrics"],
  ]);
  for (const { id, rows } of provenance.tables) {
    const traced = rows.flatMap(({ cells }) => cells).filter((cell) => cell !== null);
    assert.ok(traced.length >= rows.length, id);
  }
});

Deno.test("findCell() takes ids and labels in any case, and names the nearest of what there is not", () => {
  const byId = findCell(provenance, { row: "rpo-sum", column: "winRateOver:dpo:gold" });
  for (const column of ["over DPO", "win rate over dpo", "winRateOver:dpo"]) {
    assert.deepEqual(findCell(provenance, { row: "rpo SUM", column }), byId, column);
  }
  const of = (name: { row: string; column: string; table?: string }) => {
    try {
      return findCell(provenance, name);
    } catch (error) {
      assert.ok(error instanceof InputError);
      return error.problems.map(({ path, nearest }) => [path, nearest]);
    }
  };
  assert.deepEqual(of({ row: "dpoo", column: "golt" }), [["row dpoo", "dpo"], [
    "column golt",
    "gold",
  ]]);
  assert.deepEqual(of({ row: "dpo", column: "gold", table: "result" }), [[
    "--table result",
    "results",
  ]]);
  assert.deepEqual(of({ row: "ref", column: "winRateOver:ref", table: "results" }), [[
    "ref winRateOver:ref",
    undefined,
  ]]);
});

Deno.test("provenanceText() tells of each stage its key, seed, code, packages, time and what it read", () => {
  const text = provenanceText(provenance, findCell(provenance, { row: "dpo", column: "gold" }));
  assert.match(text, /^0\.660 ± 0\.\d+ {2}DPO, Gold reward\n/);
  assert.match(text, /run 0007, begun 2026-01-02T03:04:05Z: deno task reproduce --recipe tiny/);
  const [, stage] = text.split("  train/dpo@seed=0\n");
  for (
    const fact of [
      /^ {4}Stage +train\n/,
      /Seed +0\n/,
      /Took +2\.0 s, 296 MiB\n/,
      /Key +key of train\/dpo@seed=0\n/,
      /Code +code0+\n/,
      /Read +tokens of tokens@seed=0 tokens of tokens@seed=0\n/,
      /Packages +zod@4\.6\.7\n/,
      /Made on +isa x86-64 avx2\n/,
    ]
  ) assert.match(stage, fact);
  assert.match(tracedTablesText(provenance), /results: .*\n {2}rows {5}ref sft dpo /);
});
