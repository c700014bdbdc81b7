import assert from "node:assert/strict";
import { auditedLengthsTable, findingsTable } from "../../reports/audit_tables.ts";
import { renderReport } from "../../reports/html_report.ts";
import { renderMarkdown } from "../../reports/markdown.ts";
import { renderMarkdownReport } from "../../reports/markdown_report.ts";
import { reportFixture } from "./report_fixture.ts";

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

Deno.test("the reports show the lengths that audits found", () => {
  const input = reportFixture();
  assert.match(renderReport(input, null), /id="[^"]*audited-lengths"/);
  assert.match(renderMarkdownReport(input), /Before truncation/);
});
