import assert from "node:assert/strict";
import { reconcile } from "../../reports/reconcile/reconcile.ts";
import {
  isWithin,
  printedBand,
  type ReconciledRow,
} from "../../reports/reconcile/reconciliation.ts";
import {
  reconciliationSheet,
  reconciliationSummary,
  reconciliationTables,
} from "../../reports/reconcile/reconciliation_tables.ts";
import { releasedSettings } from "../../reports/reconcile/released_settings.ts";
import { findSwappedColumns } from "../../reports/reconcile/swapped_columns.ts";
import { renderCsv } from "../../reports/csv.ts";
import { renderText } from "../../reports/text.ts";
import { publishedFixture, reconciliationFixture, scoredFixture } from "./reconcile_fixture.ts";

const { rows, findings, origin } = reconciliationFixture();

function cell(table: string, row: string, column: string): ReconciledRow {
  const found = rows.find((each) =>
    each.table === table && each.row === row && each.column === column
  );
  assert.ok(found, `${table} ${row} ${column}`);
  return found;
}

const verdictOf = (table: string, row: string, column: string) => {
  const { verdict, reproduced } = cell(table, row, column);
  return [verdict, reproduced];
};

Deno.test("reconcile() keeps every printed number, in order", () => {
  assert.deepEqual(
    rows.map(({ table, row, column }) => [table, row, column]),
    publishedFixture().map(({ table, row, column }) => [table, row, column]),
  );
});

Deno.test("reconcile() finds a number within half a unit of its last printed digit", () => {
  assert.deepEqual(printedBand({ value: 5.088, digits: 3 }), [5.0875, 5.0885]);
  assert.deepEqual(printedBand({ value: 79, digits: 0 }), [78.5, 79.5]);
  assert.ok(isWithin(7.6875, printedBand({ value: 7.688, digits: 3 })));
  assert.ok(!isWithin(7.68749, printedBand({ value: 7.688, digits: 3 })));
  assert.deepEqual(verdictOf("2", "RPO (gemma)", "MT-Bench"), ["within", 7.9125]);
  assert.deepEqual(verdictOf("4", "RPO (beta)", "DPO"), ["within", 60]);
  assert.deepEqual(verdictOf("2", "RPO (beta)", "AlpacaEval 2.0 WR"), ["within", 19.5]);
  assert.deepEqual(verdictOf("6", "RPO (gemma)", "Ref"), ["within", 65.004]);
});

Deno.test("reconcile() lists what no file supports, with what is missing", () => {
  for (
    const [table, row, column, missing] of [
      ["1", "RPO (beta)", "Ref", /No judgments of these two/],
      ["2", "RPO (beta)", "MT-Bench", /Neither grades nor means by category of this model/],
      ["4", "Ref (beta)", "DPO", /No judgments of these two/],
      ["9", "RPO (beta)", "Ref", /No number here is known to be what this cell prints/],
    ] as const
  ) {
    const found = cell(table, row, column);
    assert.deepEqual([found.verdict, found.reproduced], ["not comparable", null]);
    assert.match(found.why, missing);
  }
});

Deno.test("reconcile() bounds a win rate by weights where lengths are missing, and says when they exclude it", () => {
  const found = cell("5", "RPO (gemma)", "Ref");
  assert.deepEqual([found.verdict, found.reproduced, found.interval], [
    ...["not comparable", null, [30, 90]],
  ]);
  assert.match(found.why, /admit from 30\.00 to 90\.00/);
  const [, , , , , , , , , , , , , , , , tooHigh] = publishedFixture();
  const { rows: [outside] } = reconcile([{ ...tooHigh, value: 95 }], {
    ...{ scores: scoredFixture(), settings: [], tolerance: "printed" },
  });
  assert.equal(outside.verdict, "outside");
});

Deno.test("reconcile() compares no length-controlled rate that lacks judgments, also where its value is met", () => {
  const found = cell("2", "RPO (beta)", "AlpacaEval 2.0 LC");
  assert.deepEqual([found.verdict, found.reproduced, found.n, found.interval], [
    ...["not comparable", 20.004, 98, [16, 19.5]],
  ]);
  assert.match(found.why, /is met again/);
  assert.match(found.why, /n = 98 of 100/);
  assert.match(found.why, /positional difficulty/);
  assert.match(
    found.why,
    /simulation's draws, with each difficulty at its own instruction it would be from 16\.00 to 19\.50/,
  );
});

Deno.test("reconcile() finds swapped columns, and blames neither the row beside nor the other side", () => {
  const own = cell("4", "DPO (beta)", "RPO");
  assert.deepEqual([own.verdict, own.reproduced], ["outside", 40]);
  assert.match(own.why, /columns of this row are swapped in print/);
  const beside = cell("4", "DPO (beta)", "Ref");
  assert.deepEqual([beside.verdict, beside.reproduced], ["not comparable", null]);
  assert.match(beside.why, /columns of this row are swapped in print/);
  assert.equal(cell("4", "Ref (beta)", "RPO").verdict, "within");
  const swapped = findings.filter(({ kind }) => kind === "swapped columns");
  assert.deepEqual(swapped, [{
    kind: "swapped columns",
    table: "4",
    sentence:
      "DPO (beta): the columns of this row are swapped in print. It has 80.00 under RPO and " +
      "40.00 under Ref, where 40.00 over RPO (from the files) and 80.00 over Ref (by the printed " +
      "20.00 of Ref (beta) over DPO (beta)) belong.",
  }]);
});

Deno.test("findSwappedColumns() finds nothing where the numbers stand as they should, or nothing tells", () => {
  const right = publishedFixture().filter(({ table }) => table === "4").map((each) => {
    if (each.row !== "DPO (beta)") return each;
    return { ...each, value: each.column === "RPO" ? 40 : 80 };
  });
  assert.deepEqual(findSwappedColumns(right, () => null), []);
  const alone = publishedFixture().filter(({ table, row }) =>
    table === "4" && row === "DPO (beta)"
  );
  assert.deepEqual(findSwappedColumns(alone, () => null), []);
  // The table alone contradicts itself where complements stand crosswise.
  const printed = publishedFixture().filter(({ table }) => table === "4");
  assert.equal(findSwappedColumns(printed, () => null).length, 1);
});

Deno.test("reconcile() says where a table's complements do not add up", () => {
  const found = cell("6", "Ref (gemma)", "RPO");
  assert.equal(found.verdict, "outside");
  assert.ok(Math.abs(found.reproduced! - 34.996) < 1e-9);
  assert.match(
    found.why,
    /prints 65\.00 for RPO \(gemma\) over Ref \(gemma\), the complement of 35\.00/,
  );
});

Deno.test("reconcile() tells truncated outputs from those that the leaderboard has beside them", () => {
  const found = cell("2", "DPO (gemma)", "AlpacaEval 2.0 LC");
  assert.equal(found.verdict, "within");
  assert.match(found.why, /truncated outputs \(dpo_tr, 1600 characters on average\)/);
  assert.match(found.why, /dpo, 5000 characters on average: LC 6\.00, win rate 9\.00, n = 97/);
  assert.match(found.why, /dpo_re, 4500 characters on average: LC 8\.00/);
  assert.equal(findings.filter(({ kind }) => kind === "truncated outputs").length, 1);
  assert.doesNotMatch(cell("2", "RPO (gemma)", "AlpacaEval 2.0 LC").why, /truncated/);
});

Deno.test("reconcile() holds a setting to the released configuration", () => {
  assert.deepEqual(verdictOf("3", "beta and gemma", "warm-up ratio"), ["outside", 0.1]);
  assert.match(
    findings.find(({ kind }) => kind === "another setting")!.sentence,
    /1\.0 is printed where 0\.1 follows/,
  );
});

Deno.test("reconcile() accepts a number that the interval holds where that is asked for", () => {
  const published = publishedFixture().filter(({ table }) => table === "4")
    .map((each) => ({ ...each, value: each.value === 60 ? 55 : each.value }));
  const verdicts = (["printed", "interval"] as const).map((tolerance) =>
    reconcile(published, { scores: scoredFixture(), settings: [], tolerance })
      .rows.find(({ row, column }) => row === "RPO (beta)" && column === "DPO")!.verdict
  );
  assert.deepEqual(verdicts, ["outside", "within"]);
});

Deno.test("reconcile() gives findings by kind, each once", () => {
  assert.deepEqual([...new Set(findings.map(({ kind }) => kind))], [
    ...["swapped columns", "another value", "missing judgments", "truncated outputs"],
    "another setting",
  ]);
  const sentences = findings.map(({ table, sentence }) => `${table} ${sentence}`);
  assert.equal(new Set(sentences).size, sentences.length);
});

Deno.test("reconciliationTables() makes a table for each printed one, with reasons as notes", () => {
  const tables = reconciliationTables({ rows, origin });
  assert.deepEqual(
    tables.map(({ id }) => id),
    ["1", "2", "3", "4", "5", "6", "9"].map((id) => `reconcile-${id}`),
  );
  const text = renderText(tables[1]);
  assert.match(
    text,
    /^RPO \(beta\) +AlpacaEval 2\.0 LC +20\.00 +20\.00 \(n 98\) +\[16\.00, 19\.50\] +not comparable \(b\)$/m,
  );
  const sheet = renderCsv(reconciliationSheet({ rows, origin }));
  assert.equal(sheet.trimEnd().split("\r\n").length, rows.length + 1);
  const count = (verdict: string) => rows.filter((each) => each.verdict === verdict).length;
  const summary = reconciliationSummary({ rows });
  assert.ok(summary.startsWith(
    `Of ${rows.length} printed numbers, ${count("within")} are met again and ${
      count("outside")
    } are not.`,
  ));
});

Deno.test("releasedSettings() reads the recipes' settings, and names every recipe that differs or lacks one", () => {
  const recipe = (name: string, warmupRatio?: unknown) => ({
    path: `/x/${name}.yaml`,
    recipe: { recipe: name, stages: { train: { params: { warmupRatio } } } },
  });
  assert.deepEqual(releasedSettings([recipe("one", 0.1), recipe("other", 0.1)]), [
    { table: "3", column: "warm-up ratio", value: 0.1, from: "one and other" },
  ]);
  assert.deepEqual(releasedSettings([]), []);
  assert.throws(
    () => releasedSettings([recipe("one", 0.1), recipe("two", 0.2), recipe("three")]),
    (error: Error) => {
      assert.match(
        error.message,
        /two\.yaml: .*Expected 0\.1, as \/x\/one\.yaml has, but found 0\.2\./,
      );
      assert.match(error.message, /three\.yaml: .*Expected a number but found none\./);
      return true;
    },
  );
});

Deno.test("reconcile() says which models of the series a number that lacks judgments may not be told from", () => {
  const lc = { table: "2", column: "AlpacaEval 2.0 LC", digits: 2, note: null };
  const { rows: [found], findings } = reconcile([
    { ...lc, row: "RPO (beta)", value: 20 },
    { ...lc, row: "DPO (beta)", value: 17 },
    { ...lc, row: "Ref (beta)", value: 5 },
    { ...lc, row: "DPO (gemma)", value: 17 },
  ], { scores: scoredFixture(), settings: [], tolerance: "printed" });
  assert.match(found.why, /holds what is printed for DPO \(beta\), 17\.00\.$/);
  const finding = findings.find(({ kind }) => kind === "missing judgments")!;
  assert.match(finding.sentence, /holds what is printed for DPO \(beta\), 17\.00\.$/);
});

Deno.test("reconcile() compares a rate scored from judgments by position and by instruction", () => {
  const score = (value: number, n: number) => ({ value, ci95: null, n });
  const annotations = (harness: number) => [{
    origin: { instance: "alpaca-eval", digest: "dd" },
    tables: [{
      ...{ id: "annotations", title: "Made-up", heading: "Model", caption: "", columns: [] },
      rows: [{
        ...{ id: "rpo", label: "RPO (beta)", note: null },
        values: {
          harnessLengthControlled: score(harness, 100),
          lengthControlled: score(18, 100),
          winRate: score(15, 98),
        },
      }],
    }],
  }];
  const [published] = publishedFixture().filter(({ column, row }) =>
    column === "AlpacaEval 2.0 LC" && row === "RPO (beta)"
  );
  const judged = (harness: number) => {
    const evidence = { scores: annotations(harness), settings: [], tolerance: "printed" } as const;
    return reconcile([published], evidence).rows[0];
  };
  const shifted = judged(20);
  assert.deepEqual([shifted.verdict, shifted.n, shifted.interval], ["not comparable", 98, [
    18,
    18,
  ]]);
  assert.match(
    shifted.why,
    /By a fit, with each difficulty at its own instruction it would be 18\.00/,
  );
  assert.equal(judged(18).verdict, "outside");
});
