import assert from "node:assert/strict";
import type { Resources } from "../../pipeline/stage.ts";
import { stages } from "../../stages/registry.ts";

type Declared = Pick<Resources, "native" | "network" | "environment" | "caches">;

const HUB: Declared = {
  network: ["huggingface.co:443", "*"],
  environment: ["HF_TOKEN", "HF_ENDPOINT", "HF_HUB_OFFLINE"],
  caches: ["hub"],
};
const JUDGE: Declared = {
  network: [],
  environment: ["JUDGE_BASE_URL", "JUDGE_API_KEY", "JUDGE_MODEL", "JUDGE_OFFLINE"],
  caches: ["judgments", "spending"],
};
const hub = { downloadHosts: [], repository: "a/b", dataset: "a/b", revision: "main" };

/** All that any stage may have beside its files: a stage that is not here has nothing. */
const PERMISSIONS: Readonly<Record<string, { params?: unknown; declared: Declared }[]>> = {
  "read-pairs": [
    { declared: { native: ["duckdb"] } },
    { params: { hub }, declared: { native: ["duckdb"], ...HUB } },
  ],
  "base-model": [{ declared: {} }, { params: { hub }, declared: HUB }],
  tokenize: [{ declared: { native: ["duckdb", "tokenizers"] } }],
  audit: [{ declared: { native: ["duckdb"] } }],
  collect: [{ declared: { native: ["onnxruntime"] } }],
  logps: [{ declared: { native: ["onnxruntime", "duckdb"] } }],
  train: [{ declared: { native: ["onnxruntime", "duckdb"] } }],
  curve: [{ declared: { native: ["onnxruntime", "duckdb"] } }],
  evaluate: [{ declared: { native: ["onnxruntime", "duckdb"] } }],
  generate: [{ declared: { native: ["onnxruntime"] } }],
  measure: [{ declared: { native: ["onnxruntime", "duckdb"] } }],
  judge: [{ declared: JUDGE }],
  "judge-answers": [{ declared: JUDGE }],
  reconcile: [{ declared: { environment: ["LOG_TOKENS", "LOG_STREAM"] } }],
};

for (const [name, stage] of stages) {
  Deno.test(`the stage ${name} has the permissions of the table, and no others`, () => {
    for (const { params = {}, declared } of PERMISSIONS[name] ?? [{ declared: {} }]) {
      const { native, network, environment, caches } = stage.resources(params);
      assert.deepEqual(native ?? [], declared.native ?? [], "native");
      assert.deepEqual(environment ?? [], declared.environment ?? [], "environment");
      assert.deepEqual(caches ?? [], declared.caches ?? [], "caches");
      const [first, ...further] = declared.network ?? [];
      if (further.length === 0) assert.deepEqual(network ?? [], first === undefined ? [] : [first]);
      else assert(network?.includes(first) && network.every((host) => /^[\w.-]+:\d+$/.test(host)));
    }
  });
}

Deno.test("no stage declares what the table of permissions does not know", () => {
  const unknown = Object.keys(PERMISSIONS).filter((name) => !stages.has(name));
  assert.deepEqual(unknown, []);
});
