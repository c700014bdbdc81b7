import assert from "node:assert/strict";
import plugin, { importProblem } from "../../tools/lint_plugin.ts";

function lint(file: string, source: string): string[] {
  return Deno.lint.runPlugin(plugin, file, source).map(({ id, message }) => `${id}: ${message}`);
}

Deno.test("ballast/import-arrows reports every form of import against the arrows", () => {
  const sources = [
    'import { a } from "../data/pair.ts";',
    'import type { A } from "../data/pair.ts";',
    'import "../data/pair.ts";',
    'export { a } from "../data/pair.ts";',
    'export * from "../data/pair.ts";',
    'const a = await import("../data/pair.ts");',
    'type A = import("../data/pair.ts").A;',
  ];
  for (const source of sources) {
    assert.deepEqual(
      lint("reports/table.ts", source),
      ["ballast/import-arrows: reports/ may import core/, but not data/pair.ts."],
      source,
    );
  }
});

Deno.test("importProblem() allows exactly the arrows of the design", () => {
  const allowed = [
    ["core/digest.ts", "./json.ts"],
    ["pipeline/store/store.ts", "../../core/digest.ts"],
    ["train/trainer.ts", "../data/batches.ts"],
    ["eval/generate.ts", "../train/runtime/session.ts"],
    ["eval/generate.ts", "../data/tokenize.ts"],
    ["stages/train.ts", "../train/trainer.ts"],
    ["cli/main.ts", "../stages/registry.ts"],
    ["tests/train/losses/rpo_test.ts", "../../../train/losses/rpo.ts"],
    ["core/zod.ts", "zod"],
    ["data/a.ts", "../core/zod.ts"],
    ["data/a.ts", "yaml"],
    ["data/a.ts", "node:path"],
  ];
  for (const [file, specifier] of allowed) {
    assert.equal(importProblem(file, specifier), null, `${file} ${specifier}`);
  }
  const refused = [
    ["core/digest.ts", "../data/pair.ts"],
    ["pipeline/run.ts", "../stages/train.ts"],
    ["pipeline/run.ts", "../train/trainer.ts"],
    ["data/a.ts", "../train/trainer.ts"],
    ["train/trainer.ts", "../data/tokenize.ts"],
    ["train/trainer.ts", "../eval/generate.ts"],
    ["eval/compare.ts", "../train/losses/rpo.ts"],
    ["reports/html.ts", "../eval/compare.ts"],
    ["stages/train.ts", "../cli/main.ts"],
    ["cli/main.ts", "../tests/fixture.ts"],
    ["core/digest.ts", "../deno.json"],
    ["attic/old.ts", "../core/digest.ts"],
    ["data/a.ts", "zod"],
    ["cli/program.ts", "@commander-js/extra-typings"],
  ];
  for (const [file, specifier] of refused) {
    assert.notEqual(importProblem(file, specifier), null, `${file} ${specifier}`);
  }
});

Deno.test("importProblem() lets one place import each heavy package", () => {
  const message = "Only data/store/ and pipeline/store/catalog.ts may import @duckdb/node-api.";
  assert.equal(importProblem("pipeline/store/store.ts", "@duckdb/node-api"), message);
  assert.equal(
    importProblem("pipeline/store/store.ts", "npm:@duckdb/node-api@1.5.5-r.5/lib"),
    message,
  );
  assert.equal(importProblem("pipeline/store/catalog.ts", "@duckdb/node-api"), null);
  assert.equal(importProblem("data/store/reader.ts", "apache-arrow"), null);
  assert.notEqual(importProblem("data/tokenize.ts", "apache-arrow"), null);
  assert.equal(importProblem("train/runtime/node.ts", "npm:onnxruntime-node@1.29.0"), null);
  assert.equal(
    importProblem("train/trainer.ts", "onnxruntime-node"),
    "Only train/runtime/ may import onnxruntime-node.",
  );
  assert.equal(importProblem("reports/figures/svg.ts", "vega"), null);
  assert.notEqual(importProblem("reports/html.ts", "vega-lite"), null);
});

Deno.test("ballast/import-arrows keeps the network to the hub, the judge and shared caches", () => {
  assert.deepEqual(lint("train/trainer.ts", 'await fetch("https://example.org");'), [
    "ballast/import-arrows: Only data/hub/, eval/judge/, pipeline/transfer/ and tests/ may use the network.",
  ]);
  assert.deepEqual(lint("data/hub/download.ts", 'await fetch("https://example.org");'), []);
});

Deno.test("ballast/max-lines allows 400 lines and no more", () => {
  assert.deepEqual(lint("core/long.ts", "void 0;\n".repeat(400)), []);
  assert.deepEqual(lint("core/long.ts", "void 0;\n".repeat(401)), [
    "ballast/max-lines: Expected at most 400 lines but found 401.",
  ]);
});

Deno.test("ballast/no-console-outside-cli reports console outside the CLI and the reporters", () => {
  for (const file of ["train/trainer.ts", "pipeline/run.ts", "tools/generate.ts"]) {
    assert.deepEqual(lint(file, "console.log(1);"), [
      "ballast/no-console-outside-cli: Only cli/ and pipeline/reporters/ print.",
    ]);
  }
  for (const file of ["cli/main.ts", "pipeline/reporters/plain.ts"]) {
    assert.deepEqual(lint(file, "console.log(1);"), []);
  }
});

Deno.test("ballast/file-names wants snake_case", () => {
  for (const name of ["rmsNorm.ts", "rms-norm.ts", "RmsNorm.ts", "rms__norm.ts"]) {
    assert.deepEqual(lint(`train/${name}`, ""), [
      `ballast/file-names: Expected a file name in snake_case but found ${name}.`,
    ]);
  }
  for (const name of ["rms_norm.ts", "rms_norm_test.ts", "mt_bench2.ts"]) {
    assert.deepEqual(lint(`train/${name}`, ""), []);
  }
});
