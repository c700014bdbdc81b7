import assert from "node:assert/strict";
import { join } from "node:path";
import { readPublishedTables } from "../../eval/published_tables.ts";
import type { Finding, ReconciledRow } from "../../reports/reconcile/reconciliation.ts";
import { SHARED, sharedTest } from "../shared.ts";
import { ballast, ballastJson, type RunDocument } from "./ballast.ts";
import { ScratchFolder } from "./scratch_folder.ts";

interface ReconcileDocument {
  readonly rows: readonly ReconciledRow[];
  readonly findings: readonly Finding[];
}

const DATA = join(SHARED, "data/rpo_paper");
const args = (store: string) => [
  ...["--recipe", "paper-judgments", "--store", store, "--set", `data.path=${DATA}`],
  "--set",
  `alpaca-eval.difficulty=${join(SHARED, "data/alpaca_eval/instruction_difficulty.jsonl")}`,
];

sharedTest(
  "ballast reconcile gives every number that the paper prints a verdict",
  "data/rpo_paper",
  async () => {
    await using scratch = await ScratchFolder.make();
    const place = { folder: scratch.path };
    const { rows, findings } = await ballastJson<ReconcileDocument>(
      ["reconcile", ...args("store")],
      place,
    );
    const published = await readPublishedTables(join(DATA, "published_tables.csv"));
    assert.ok(rows.length >= 30);
    assert.deepEqual(
      rows.map(({ table, row, column, published }) => [table, row, column, published]),
      published.map(({ table, row, column, value }) => [table, row, column, value]),
    );
    const of = (table: string, row: string, column: string) =>
      rows.find((each) => each.table === table && each.row === row && each.column === column)!;
    for (const each of rows) {
      assert.notEqual(each.why, "");
      if (each.verdict === "within") {
        assert.ok(
          each.reproduced! >= each.band[0] - 1e-9 && each.reproduced! <= each.band[1] + 1e-9,
        );
      }
      if (each.reproduced === null) assert.equal(each.verdict, "not comparable");
    }

    // Table 4: the two columns of DPO's row.
    const swapped = of("4", "DPO (beta)", "RPO");
    assert.deepEqual([swapped.verdict, swapped.reproduced], ["outside", 42.1875]);
    assert.match(swapped.why, /swapped/);
    assert.match(of("4", "DPO (beta)", "Ref").why, /swapped/);
    // MT-Bench's score of the base.
    const base = of("2", "Ref (beta)", "MT-Bench");
    assert.deepEqual([base.verdict, base.reproduced!.toFixed(3)], ["outside", "5.179"]);
    // Length control with judgments missing.
    const counts = new Map<string, number>();
    for (const each of rows.filter(({ column }) => column === "AlpacaEval 2.0 LC")) {
      if (!/positional difficulty/.test(each.why)) continue;
      assert.equal(each.verdict, "not comparable");
      assert.ok(isNear(each.reproduced!, each.published, 0.01), each.row);
      assert.match(each.why, new RegExp(`n = ${each.n} of 805`));
      const [low, high] = each.interval!;
      assert.ok(low < high && low < each.published, each.row);
      counts.set(each.row, each.n!);
    }
    assert.deepEqual(counts, new Map([["RPO (beta)", 803], ["Ref (beta)", 804]]));
    assert.equal(of("2", "DPO (beta)", "AlpacaEval 2.0 LC").verdict, "within");
    // Truncated outputs.
    assert.match(of("2", "DPO (gemma)", "AlpacaEval 2.0 LC").why, /truncated .*gemma_dpo_re/);
    // Warm-up.
    const warmUp = of("3", "beta and gemma", "warm-up ratio");
    assert.deepEqual([warmUp.verdict, warmUp.reproduced], ["outside", 0.1]);
    assert.deepEqual(new Set(findings.map(({ kind }) => kind)).size, 5);

    // What the report is made from is this, and equal runs make equal reports.
    const runs = [];
    for (const store of ["store", "other"]) {
      runs.push(await ballastJson<RunDocument>(["reproduce", ...args(store)], place));
    }
    assert.ok(runs[0].cached.includes("reconcile"));
    const [one, other] = runs.map(({ stages }) =>
      stages.find(({ id }) => id === "report")!.outputs
    );
    assert.deepEqual(one, other);
  },
);

function isNear(value: number, expected: number, tolerance: number): boolean {
  return Math.abs(value - expected) <= tolerance;
}

Deno.test("ballast reconcile refuses a recipe that holds nothing to printed numbers", async () => {
  await using scratch = await ScratchFolder.make();
  const { code, stderr } = await ballast(["reconcile", "--recipe", "tiny"], {
    folder: scratch.path,
  });
  assert.equal(code, 2);
  assert.match(
    stderr,
    /--recipe: Expected a recipe with a stage reconcile, such as paper-judgments/,
  );
});
