import assert from "node:assert/strict";
import { z } from "zod";
import { remakeable } from "../../cli/bundle/remakeable.ts";
import { sha256 } from "../../core/digest.ts";
import type { Stage } from "../../pipeline/stage.ts";
import type { KeyRecord } from "../../pipeline/store/records.ts";
import { keyRecord } from "../pipeline/store/fixture.ts";

function stage(name: string, outputs: Readonly<Record<string, string>>): Stage {
  return {
    ...{ name, describe: "", params: z.strictObject({}), module: "" },
    inputs: { measured: { type: "evaluation" } },
    outputs: Object.fromEntries(Object.entries(outputs).map(([port, type]) => [port, { type }])),
    resources: () => ({ cores: 1 }),
    run: () => Promise.reject(new TypeError("not called")),
  };
}

const STAGES = new Map([
  stage("compare", { results: "results" }),
  stage("train", { model: "model" }),
  stage("both", { results: "results", model: "model" }),
].map((one) => [one.name, one]));
const MEASURED = sha256("measured");

function record(
  name: string,
  outputs: Readonly<Record<string, string>>,
  inputs: object = { measured: [{ digest: MEASURED }] },
): KeyRecord {
  const given = Object.entries(outputs).map(([port, type]) =>
    [port, { type, digest: sha256(`${name} ${port}`), bytes: 1 }] as const
  );
  const fields = { format: 1, stage: name, params: {}, sources: {}, inputs } as never;
  return keyRecord(name, sha256(name), {
    ...{ stage: name, fields, outputs: Object.fromEntries(given) },
  });
}

/** Ids of what is made again of a record, beside one that measured. */
function remade(one: KeyRecord, type = "evaluation"): string[] {
  const measure = record("measure", {}, {});
  const outputs = { out: { type, digest: MEASURED, bytes: 1 } };
  const records = new Map([["measure", { ...measure, outputs }], ["table", one]]);
  return remakeable(records, new Set([MEASURED]), STAGES).map(({ instance }) => instance.id);
}

Deno.test("remakeable() takes tables by what their stages give, whatever a bundle claims of them", () => {
  assert.deepEqual(remade(record("compare", { results: "results" })), ["table"]);
  assert.deepEqual(remade(record("train", { model: "model" })), []);
  assert.deepEqual(remade(record("train", { model: "report" })), []);
  assert.deepEqual(remade(record("both", { results: "results" })), []);
  assert.deepEqual(remade(record("compare", {})), []);
  assert.deepEqual(remade(record("compare", { results: "report" })), []);
  assert.deepEqual(remade(record("unknown", { results: "results" })), []);
});

Deno.test("remakeable() leaves out what reads another type, or by a port that its stage lacks", () => {
  assert.deepEqual(remade(record("compare", { results: "results" }), "model"), []);
  const elsewhere = { other: [{ digest: MEASURED }] };
  assert.deepEqual(remade(record("compare", { results: "results" }, elsewhere)), []);
});
