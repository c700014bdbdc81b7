import { z } from "../core/zod.ts";
import { ExpectedError } from "../core/problem.ts";
import { AUDIT_CODES } from "../data/audit_checks.ts";
import { defineStage } from "../pipeline/stage.ts";

const params = z.strictObject({
  accept: z.array(z.enum(AUDIT_CODES)).default([]).describe(
    "Findings that do not stop the recipe although they are errors",
  ),
});

export default defineStage<z.infer<typeof params>>({
  name: "audit",
  describe: "Refuse token sets that would make results wrong: leaks, empty or identical replies",
  params,
  inputs: {
    train: { type: "tokens" },
    evaluation: { type: "tokens", many: true, optional: true },
    prompts: {
      type: "prompts",
      many: true,
      optional: true,
      describe: "Prompts that replies will be generated for",
    },
    pairs: {
      type: "pairs",
      many: true,
      optional: true,
      describe: "Pairs to whose prompts replies will be generated, whatever tokenize drops of them",
    },
    model: {
      type: "model",
      many: true,
      optional: true,
      describe: "Models that generate: their tokenizer and template must be the training set's",
    },
  },
  outputs: { audit: { type: "audit" } },
  guards: "train",
  resources: () => ({ cores: 1, memory: 500, native: ["duckdb"] }),
  estimateSeconds: () => 1,
  module: import.meta.url,
  async run({ params, input, inputs, output, scratch, log, warn }) {
    const { auditTokens, describeFailure } = await import("../data/audit.ts");
    const given = (port: string) =>
      inputs(port).map(({ from, path }) => ({ name: from, folder: path }));
    const errors: string[] = [];
    const report = await auditTokens({
      // Not the name of the instance that made it, which is no part of the key.
      train: { name: "train", folder: input("train").path },
      evaluation: given("evaluation"),
      prompts: given("prompts"),
      pairs: given("pairs"),
      generation: given("model"),
      accept: params.accept,
      onError: (error) => errors.push(`${JSON.stringify(error)}\n`),
    });
    const json = `${JSON.stringify(report, null, 1)}\n`;
    await Deno.writeTextFile(`${output("audit")}/audit.json`, json);
    for (const { set, message, accepted } of report.findings) {
      warn(`${set}: ${message}${accepted ? " (accepted)" : ""}`);
    }
    const pairs = report.sets.reduce((sum, set) => sum + set.pairs, 0);
    log(`${report.sets.length} sets, ${pairs} pairs, ${report.findings.length} findings`);
    if (report.passed) return;
    // A failed attempt's outputs are removed; its scratch stays.
    await Deno.writeTextFile(`${scratch}/audit.json`, json);
    await Deno.writeTextFile(`${scratch}/errors.jsonl`, errors.join(""));
    throw new ExpectedError(
      `The audit found errors. The whole report is kept as ${scratch}/audit.json, all rows with ` +
        `errors as errors.jsonl beside it.\n${describeFailure(report)}`,
    );
  },
});
