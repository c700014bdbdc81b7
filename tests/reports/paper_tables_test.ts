import assert from "node:assert/strict";
import { NO_RESULTS, type Results } from "../../core/results.ts";
import { fillPaperTable } from "../../reports/paper/fill_paper_table.ts";
import { opponentOf, PAPER_TABLE_IDS } from "../../reports/paper/paper_tables.ts";
import { renderText } from "../../reports/text.ts";
import { isQuantity, type Table } from "../../reports/table.ts";
import { scoredFixture } from "./reconcile_fixture.ts";
import { resultsFixture } from "./results_fixture.ts";

const numbers = { scores: scoredFixture(), results: NO_RESULTS };

/** The numbers of a table's cells by row, as they are printed. */
function shown({ rows }: Table): Record<string, (string | null)[]> {
  return Object.fromEntries(rows.map(({ id, cells }) => [
    id,
    cells.slice(1).map(({ content }) =>
      isQuantity(content) ? content.value.toFixed(content.digits) : null
    ),
  ]));
}

Deno.test("fillPaperTable() sets Table 2 in the paper's order and with its digits", () => {
  const table = fillPaperTable("2", numbers);
  assert.deepEqual(table.columns.map(({ id }) => id), [
    ...["row", "MT-Bench", "AlpacaEval 2.0 LC", "AlpacaEval 2.0 WR"],
  ]);
  assert.deepEqual(table.rows.map(({ id }) => id), [
    ...["RPO (beta)", "Ref (beta)", "DPO (beta)", "zephyr-beta-7b"],
    ...["RPO (gemma)", "Ref (gemma)", "DPO (gemma)", "zephyr-gemma-7b"],
  ]);
  const found = shown(table);
  assert.deepEqual(found["RPO (beta)"], [null, "20.00", "19.50"]);
  assert.deepEqual(found["Ref (beta)"], ["5.250", null, null]);
  assert.deepEqual(found["DPO (gemma)"], [null, "15.00", "13.69"]);
  const counts = Object.fromEntries(table.rows.map(({ id, cells: [, , { content }] }) => [
    id,
    isQuantity(content) ? content.n : undefined,
  ]));
  assert.deepEqual([counts["RPO (beta)"], counts["RPO (gemma)"]], [98, null]);
});

Deno.test("fillPaperTable() turns duels round, and has a system at 50 over itself", () => {
  const found = shown(fillPaperTable("4", numbers));
  assert.deepEqual(found, {
    "RPO (beta)": ["50.00", "70.00", "60.00"],
    "Ref (beta)": ["30.00", "50.00", null],
    "DPO (beta)": ["40.00", null, "50.00"],
  });
  const text = renderText(fillPaperTable("4", numbers));
  assert.match(text, /^DPO \(beta\) +40\.00 ± 15\.00 \(n 20\) /m);
  assert.match(text, /Not measured in this run, nor in the files/);
});

Deno.test("fillPaperTable() takes the numbers of results whose systems have the rows' names", () => {
  const names: Record<string, string> = {
    "rpo-sum": "RPO (beta)",
    dpo: "DPO (beta)",
    ref: "Ref (beta)",
  };
  const plain = resultsFixture();
  const results: Results = {
    ...plain,
    systems: plain.systems.map((each) => ({ ...each, label: names[each.id] ?? each.label })),
  };
  const { a, b, winRate } = results.comparisons.find(({ a, b }) => a in names && b in names)!;
  const found = shown(fillPaperTable("1", { scores: [], results }));
  const column = ["RPO", "Ref", "DPO"].findIndex((id) => opponentOf(names[a], id) === names[b]);
  assert.equal(found[names[a]][column], winRate.mean.toFixed(1));
});

Deno.test("fillPaperTable() knows Tables 1, 2, 4, 5, 6 and that of the average loss", () => {
  assert.deepEqual(PAPER_TABLE_IDS, ["1", "2", "4", "5", "6", "average-loss"]);
  for (const id of PAPER_TABLE_IDS) {
    const { columns, rows } = fillPaperTable(id, { scores: [], results: NO_RESULTS });
    for (const { cells } of rows) assert.equal(cells.length, columns.length);
  }
  assert.deepEqual(
    fillPaperTable("average-loss", numbers).columns.slice(1).map(({ label }) => label),
    ["GSM8K", "ARC", "MBPP"],
  );
  for (const id of PAPER_TABLE_IDS) {
    const { caption } = fillPaperTable(id, { scores: [], results: NO_RESULTS });
    assert.equal(/not known here/.test(caption), id === "average-loss", id);
  }
});

Deno.test("opponentOf() keeps to the row's series", () => {
  assert.equal(opponentOf("RPO (beta)", "Ref"), "Ref (beta)");
  assert.equal(opponentOf("RPO", "Ref"), "Ref");
});
