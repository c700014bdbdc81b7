import assert from "node:assert/strict";
import { citation } from "../../reports/citation.ts";
import { traceReport } from "../../reports/html_report.ts";
import { reportFixture, runFactsFixture } from "./report_fixture.ts";

const cite = (over = {}) =>
  citation(traceReport(reportFixture(), { ...runFactsFixture(), ...over }));

Deno.test("citation() gives BibTeX of the paper and of the run, braces balanced", () => {
  const { bibtex } = cite();
  assert.deepEqual(bibtex.match(/^@\w+\{[^,]+/gm), [
    "@inproceedings{liu2024provably",
    "@misc{ballast-tiny-report00",
  ]);
  assert.match(bibtex, /eprint = \{2405\.16436\}/);
  assert.match(
    bibtex,
    /code SHA-256 c0de0+; report SHA-256 report0+; Ballast 0\.1\.0, Deno 2\.9\.6/,
  );
  assert.match(bibtex, /year = \{2026\}/);
  assert.equal(bibtex.split("{").length, bibtex.split("}").length);
});

Deno.test("citation() states recipe, seeds, command, code, versions, machine, work and warnings", () => {
  const statement = cite().statement.join("\n");
  for (
    const part of [
      "recipe tiny, run 0007, seeds 0, 1, 2.",
      "Made by: deno task reproduce --recipe tiny",
      "onnxruntime 1.29.0",
      "Processor fixture, 2 cores",
      "this run 4 min 11 s",
      "The run gave warnings: 1.",
    ]
  ) assert.ok(statement.includes(part), part);
  assert.ok(cite({ stages: [] }).statement.includes("The run gave no warnings."));
});
