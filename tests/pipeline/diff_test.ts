import assert from "node:assert/strict";
import { sha256 } from "../../core/digest.ts";
import type { Json } from "../../core/json.ts";
import type { ArtifactType } from "../../pipeline/artifact.ts";
import { diffRuns, resolvePoint, resolveRun } from "../../pipeline/diff.ts";
import { diffJson } from "../../pipeline/diff_json.ts";
import { formatRunDifference } from "../../pipeline/diff_text.ts";
import type { Store } from "../../pipeline/store/store.ts";
import { commitFiles, HOST, keyRecord, withStore } from "./store/fixture.ts";

/** An artifact of one number in a file. */
const NUMBER: ArtifactType = {
  name: "pairs",
  describe: "a number",
  digest: () => Promise.reject(new Error("not called")),
  facts: () => Promise.resolve({}),
  compare: async (before, after, tolerance) => {
    const read = async (folder: string) => Number(await Deno.readTextFile(`${folder}/n.txt`));
    const [a, b] = [await read(before), await read(after)];
    if (Math.abs(a - b) <= tolerance * Math.abs(a)) return [];
    return [{ path: "n", before: String(a), after: String(b) }];
  },
};
const TYPES = new Map([["pairs", NUMBER]]);

async function addRun(
  store: Store,
  run: {
    recipe?: string;
    beta: number;
    instances: Record<string, number>;
    isa?: string;
    key?: string;
  },
): Promise<void> {
  const recipe = run.recipe ?? "tiny";
  const host = { ...HOST, isa: run.isa ?? HOST.isa };
  const parameters: Json = { train: { beta: run.beta } };
  const active = await store.startRun({ recipe, parameters, command: [], startedAt: "", host });
  const instances = [];
  for (const [id, value] of Object.entries(run.instances)) {
    const digest = await commitFiles(store, `${value}`, { "n.txt": `${value}` });
    const key = sha256(run.key ?? `${id} ${run.beta} ${value}`);
    const fields = { params: { beta: run.beta }, inputs: { tokens: [digest] } };
    const record = keyRecord(id, digest, { key, recipe, fields, host });
    await store.commitKey(record);
    const { seconds, peakMemoryBytes, outputs } = record;
    active.append({ time: 0, type: "stage-finished", id, key, seconds, peakMemoryBytes, outputs });
    instances.push({ id, stage: "train", key, state: "ran" as const, seconds });
  }
  await active.finish({ status: "done", finishedAt: "", seconds: 1, instances });
}

Deno.test("diffRuns() names parameters, key fields, artifacts, numbers and the host that differ", () =>
  withStore(async (store) => {
    await addRun(store, { beta: 0.1, instances: { world: 5, train: 1, old: 3 }, key: undefined });
    await addRun(store, {
      beta: 0.2,
      instances: { world: 5, train: 2, new: 3 },
      isa: "x86-64 avx512f",
    });
    const diff = await diffRuns(store, { before: "0001", after: "0002" }, {
      types: TYPES,
      tolerance: 0,
    });
    assert.deepEqual(diff.host, [{ path: "isa", before: '"x86-64"', after: '"x86-64 avx512f"' }]);
    assert.deepEqual(diff.parameters, [{ path: "train.beta", before: "0.1", after: "0.2" }]);
    const beta = { path: "params.beta", before: "0.1", after: "0.2" };
    assert.deepEqual(diff.instances, [
      { id: "world", change: "changed", fields: [beta], outputs: [] },
      {
        id: "train",
        change: "changed",
        fields: [
          beta,
          { path: "inputs.tokens.0", before: `"${sha256("1")}"`, after: `"${sha256("2")}"` },
        ],
        outputs: [{
          port: "out",
          type: "pairs",
          before: sha256("1"),
          after: sha256("2"),
          differences: [{ path: "n", before: "1", after: "2" }],
        }],
      },
      { id: "new", change: "added", fields: [], outputs: [] },
      { id: "old", change: "removed", fields: [], outputs: [] },
    ]);
    assert.equal(diff.equal, 0);
    assert.equal(
      formatRunDifference(diff),
      `0001 (tiny) → 0002 (tiny)
host
  isa: "x86-64" → "x86-64 avx512f"
recipe
  train.beta: 0.1 → 0.2
world
  params.beta: 0.1 → 0.2
train
  params.beta: 0.1 → 0.2
  inputs.tokens.0: "${sha256("1").slice(0, 12)}" → "${sha256("2").slice(0, 12)}"
  output out (pairs) ${sha256("1").slice(0, 12)} → ${sha256("2").slice(0, 12)}
    n: 1 → 2
new: only in the second run
old: only in the first run
4 instances differ, 0 equal.
`,
    );
  }));

Deno.test("diffRuns() of equal runs finds nothing", () =>
  withStore(async (store) => {
    for (const beta of [0.1, 0.1]) await addRun(store, { beta, instances: { world: 5, train: 1 } });
    const diff = await diffRuns(store, { before: "0001", after: "0002" }, {
      types: TYPES,
      tolerance: 0,
    });
    assert.deepEqual([diff.host, diff.parameters, diff.instances, diff.equal], [[], [], [], 2]);
    assert.equal(
      formatRunDifference(diff),
      "0001 (tiny) → 0002 (tiny)\nAll 2 instances are equal.\n",
    );
  }));

Deno.test("diffRuns() sees a result that changed under the same key, and tolerates what it is told to", () =>
  withStore(async (store) => {
    await addRun(store, { beta: 0.1, instances: { train: 1 }, key: "same" });
    await addRun(store, { beta: 0.1, instances: { train: 1.001 }, key: "same" });
    const differences = async (tolerance: number) => {
      const options = { types: TYPES, tolerance };
      const { instances } = await diffRuns(store, { before: "0001", after: "0002" }, options);
      assert.deepEqual(instances[0].fields, []);
      return instances[0].outputs[0].differences;
    };
    assert.deepEqual(await differences(0), [{ path: "n", before: "1", after: "1.001" }]);
    assert.deepEqual(await differences(0.01), []);
    await Deno.remove(store.objectPath(sha256("1")), { recursive: true });
    assert.equal(await differences(0), null);
  }));

Deno.test("diffRuns() survives key records that were collected", () =>
  withStore(async (store) => {
    await addRun(store, { beta: 0.1, instances: { train: 1 } });
    await addRun(store, { beta: 0.2, instances: { train: 1 } });
    await Deno.remove(store.folder("keys"), { recursive: true });
    const diff = await diffRuns(store, { before: "0001", after: "0002" }, {
      types: TYPES,
      tolerance: 0,
    });
    const [before, after] = [sha256("train 0.1 1"), sha256("train 0.2 1")];
    assert.deepEqual(diff.instances[0].fields, [{ path: "key", before, after }]);
  }));

Deno.test("resolveRun() knows latest, previous and numbers, and names the choices otherwise", () =>
  withStore(async (store) => {
    assert.throws(() => resolveRun(store, "latest"), {
      name: "ExpectedError",
      message: `${store.path} holds no runs yet.`,
    });
    await addRun(store, { beta: 0.1, instances: {} });
    assert.throws(() => resolveRun(store, "previous"), {
      message: `${store.path} holds only one run, 0001.`,
    });
    await addRun(store, { beta: 0.1, instances: {}, recipe: "other" });
    assert.equal(resolveRun(store, "previous"), "0001");
    await addRun(store, { beta: 0.1, instances: {} });
    const names = ["latest", "previous", "2", "0003"];
    assert.deepEqual(names.map((name) => resolveRun(store, name)), [
      "0003",
      "0001",
      "0002",
      "0003",
    ]);
    assert.throws(() => resolveRun(store, "lates"), {
      name: "ExpectedError",
      message:
        'Expected a run (0001 to 0003, latest, previous) but found "lates". Did you mean "latest"?',
    });
    assert.throws(() => resolveRun(store, "7"), { name: "ExpectedError" });
  }));

Deno.test("diffJson() walks objects and arrays and tells absent from null", () => {
  const before = { a: [1, { b: 2 }], c: null, d: {} };
  const after = { a: [1, { b: 3 }, 4], e: null, d: [] };
  assert.deepEqual(diffJson(before, after), [
    { path: "a.1.b", before: "2", after: "3" },
    { path: "a.2", before: "absent", after: "4" },
    { path: "c", before: "null", after: "absent" },
    { path: "d", before: "{}", after: "[]" },
    { path: "e", before: "absent", after: "null" },
  ]);
  assert.deepEqual(diffJson(before, structuredClone(before)), []);
});

Deno.test("diffRuns() compares two points of a sweep, and what lies on no swept axis with itself", () =>
  withStore(async (store) => {
    const at = (eta: number, value: number) => [[`train@seed=0,eta=${eta}`, value]] as const;
    await addRun(store, {
      beta: 0.1,
      instances: Object.fromEntries([["world@seed=0", 5], ...at(0, 1), ...at(0.5, 2)]),
    });
    const point = (name: string) => resolvePoint(store, name);
    const options = { types: TYPES, tolerance: 0 };
    const diff = await diffRuns(
      store,
      { before: point("latest@eta=0"), after: point("1@eta=0.5") },
      options,
    );
    assert.deepEqual(diff.instances.map(({ id, change }) => [id, change]), [
      ["train@seed=0", "changed"],
    ]);
    assert.deepEqual(diff.instances[0].outputs[0].differences, [
      { path: "n", before: "1", after: "2" },
    ]);
    assert.equal(diff.equal, 1);
    assert.throws(
      () => point("latest@eta=0.51"),
      /nothing at eta=0\.51; .*Did you mean "eta=0\.5"/,
    );
  }));
