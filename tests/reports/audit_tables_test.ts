import assert from "node:assert/strict";
import {
  auditedLengthsTable,
  auditedSetsTable,
  findingsTable,
} from "../../reports/audit_tables.ts";
import { findCell } from "../../reports/find_cell.ts";
import { renderReport, traceReport } from "../../reports/html_report.ts";
import { renderMarkdown } from "../../reports/markdown.ts";
import { renderMarkdownReport } from "../../reports/markdown_report.ts";
import { reportFixture, runFactsFixture, stageFixture } from "./report_fixture.ts";

Deno.test("auditedLengthsTable() shows mean, median, tails and longest, before truncation and after", () => {
  const text = renderMarkdown(auditedLengthsTable(reportFixture().audits)!);
  const row = text.split("\n").find((line) => /train.*seed=0 \| prompt/.test(line))!;
  assert.deepEqual(row.split("|").slice(3, -1).map((cell) => cell.trim()), [
    ...["45.3", "45", "88", "89", "90"],
    ...["4.3", "4", "6", "7", "8"],
  ]);
  assert.match(text, /Before truncation.*After truncation/s);
});

Deno.test("auditedLengthsTable() passes over sets without tokens, and is none without others", () => {
  const [audit] = reportFixture().audits;
  const none = { prompt: null, chosen: null, rejected: null };
  const prompts = { ...audit.sets[0], name: "questions", lengths: { before: none, after: none } };
  const both = auditedLengthsTable([{ ...audit, sets: [audit.sets[0], prompts] }]);
  assert.equal(both?.rows.length, 3);
  assert.equal(auditedLengthsTable([{ ...audit, sets: [prompts] }]), null);
});

Deno.test("findingsTable() names every row that a finding names, and how many more there are", () => {
  const { audits } = reportFixture();
  const ids = audits[0].findings[0].rows;
  assert.equal(ids.length, 20);
  const cells = findingsTable(audits)!.rows[0].cells.map(({ content }) => content);
  assert.ok(cells.includes(`${ids.join(", ")}, … 3 more`));
});

Deno.test("findingsTable() tells sets of one name apart as auditedSetsTable() does", () => {
  const [first, second] = reportFixture().audits;
  const [finding] = first.findings;
  const of = (audit: typeof first, pairs: number) => ({
    ...audit,
    sets: [{ ...first.sets[0], name: "train", pairs }],
    findings: [{ ...finding, set: "train" }],
  });
  const names = (...audits: (typeof first)[]) =>
    findingsTable(audits)!.rows.map(({ cells }) => cells[0].content);
  assert.deepEqual(names(of(first, 1), of(second, 2)), [
    "train (audit@seed=0)",
    "train (audit@seed=1)",
  ]);
  assert.deepEqual(names(of(first, 1), of(second, 1)), ["train", "train"]);
});

Deno.test("auditedSetsTable() tells sets of one name apart by their audits, and equal ones once", () => {
  const [first, second] = reportFixture().audits;
  const train = { ...first.sets[0], name: "train" };
  const [one, more] = [{ ...first, sets: [train] }, {
    ...second,
    sets: [{ ...train, pairs: train.pairs + 1 }],
  }];
  const names = (...audits: (typeof one)[]) =>
    auditedSetsTable(audits).rows.map(({ cells }) => cells[0].content);
  assert.deepEqual(names(one, more), ["train (audit@seed=0)", "train (audit@seed=1)"]);
  assert.deepEqual(names(one, { ...second, sets: [train] }), ["train"]);
});

Deno.test("every cell of the audits' tables comes from the audit that found it", () => {
  const { audits } = reportFixture();
  const run = runFactsFixture();
  const made = audits.map(({ origin }) => stageFixture(origin.instance, "audit", {}));
  const traced = traceReport(reportFixture(), { ...run, stages: [...made, ...run.stages] });
  const { cell } = findCell(traced, {
    row: "tokenize/train@seed=1",
    column: "pairs",
    table: "audited-sets",
  });
  const steps = traced.chains[cell.chain].map(({ kind, stages }) =>
    `${kind}: ${stages.map((index) => traced.stages[index].instance)}`
  );
  assert.deepEqual(steps, ["Audits: audit@seed=1"]);
  for (const id of ["findings", "audited-sets", "audited-lengths"]) {
    const { rows } = traced.tables.find((table) => table.id === id)!;
    for (const { cells } of rows) assert.ok(cells.slice(1).every((cell) => cell !== null), id);
  }
});

Deno.test("the reports show the lengths that audits found", () => {
  const input = reportFixture();
  assert.match(renderReport(input, null), /id="[^"]*audited-lengths"/);
  assert.match(renderMarkdownReport(input), /Before truncation/);
});
