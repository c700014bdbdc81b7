import type { OriginatedReconciliation } from "../../reports/reconcile/reconciliation_tables.ts";
import type { ReportInput } from "../../reports/report_input.ts";
import type { RunFacts } from "../../reports/run_facts.ts";
import { reconciliationFixture, scoredFixture } from "./reconcile_fixture.ts";
import { reportFixture, runFactsFixture } from "./report_fixture.ts";

/** The fixture report with one text wherever a text of others can stand. */
export function hostileReport(text: string): ReportInput {
  const input = reportFixture();
  const verdict = { judge: text, systems: ["dpo", text], swapped: true, value: 1 };
  return {
    ...input,
    title: text,
    claim: text,
    notes: [text],
    scores: scoredFixture(),
    paperTables: ["2"],
    reconciliations: [hostileReconciliation(text)],
    audits: input.audits.map((audit) => ({
      ...audit,
      findings: audit.findings.map((finding) => ({
        ...finding,
        message: text,
        set: text,
        rows: [text],
        remedy: text,
      })),
    })),
    results: {
      ...input.results,
      notes: [text],
      systems: input.results.systems.map((system) => ({ ...system, label: text + system.id })),
      examples: [{ prompt: text, replies: [{ system: "dpo", text, score: -1 }] }],
    },
    prompts: [{
      prompt: `judged ${text}`,
      category: text,
      replies: ["dpo", text].map((system) => ({ system, text, score: null })),
      verdicts: [verdict, { ...verdict, swapped: false, value: null }],
    }],
  };
}

function hostileReconciliation(text: string): OriginatedReconciliation {
  const { rows, findings } = reconciliationFixture();
  return {
    rows: rows.map((row) => ({ ...row, row: text, column: text, why: text, note: text })),
    findings: findings.map((finding) => ({ ...finding, table: text, sentence: text })),
    origin: { instance: text, digest: text },
  };
}

/** The fixture run with one text wherever a text of others can stand. */
export function hostileRun(text: string): RunFacts {
  const run = runFactsFixture();
  return {
    ...run,
    resolved: text,
    command: text,
    versions: { [text]: text },
    machine: { [`on ${text}`]: text },
    warnings: [text],
    stages: run.stages.map((stage) => ({
      ...stage,
      params: { [text]: text },
      packages: [text],
      facts: { judge: text },
      sources: { [text]: text },
      warnings: [text],
    })),
  };
}
