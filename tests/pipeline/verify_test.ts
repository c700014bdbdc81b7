import assert from "node:assert/strict";
import { join } from "node:path";
import { sha256 } from "../../core/digest.ts";
import { InputError } from "../../core/problem.ts";
import type { ArtifactType } from "../../pipeline/artifact.ts";
import { queryCatalog } from "../../pipeline/store/catalog.ts";
import type { Store } from "../../pipeline/store/store.ts";
import { verifyStore } from "../../pipeline/verify.ts";
import { commitFiles, HOST, keyRecord, withStore } from "./store/fixture.ts";

async function filled(store: Store): Promise<{ digest: string; key: string; folder: string }> {
  const digest = await commitFiles(store, "a", { "a.txt": "abc", "b/c.txt": "defg" });
  const record = keyRecord("train@seed=1", digest);
  await store.commitKey(record);
  const header = { recipe: "tiny", parameters: {}, command: [], startedAt: "", host: HOST };
  await (await store.startRun(header))
    .finish({ status: "done", finishedAt: "", seconds: 1, instances: [] });
  return { digest, key: record.key, folder: store.objectPath(digest) };
}

async function overwrite(path: string, text: string): Promise<void> {
  await Deno.remove(path);
  await Deno.writeTextFile(path, text);
}

Deno.test("verifyStore() finds a whole store whole", () =>
  withStore(async (store) => {
    await filled(store);
    const seen: string[] = [];
    const found = await verifyStore(store, {
      progress: ({ done, total, unit }) => seen.push(`${done}/${total} ${unit}`),
    });
    assert.deepEqual(found, {
      objects: 1,
      keys: 1,
      runs: 1,
      bytes: 7,
      damages: [],
      incompleteKeys: [],
    });
    assert.deepEqual(seen, ["0/1 objects", "1/1 objects", "1/1 keys"]);
  }));

Deno.test("verifyStore() of a store that is not there finds nothing and creates nothing", () =>
  withStore(async (store) => {
    const found = await verifyStore(store, { repair: true, rebuild: true });
    assert.equal(found.objects, 0);
    assert.equal(store.exists(), false);
  }));

Deno.test("verifyStore() names changed, cut, missing and extra files of an object", () =>
  withStore(async (store) => {
    const { digest, folder } = await filled(store);
    await overwrite(join(folder, "a.txt"), "abd");
    await overwrite(join(folder, "b/c.txt"), "def");
    await Deno.writeTextFile(join(folder, "b/extra.txt"), "");
    const path = `objects/${digest.slice(0, 2)}/${digest}`;
    const faults = [
      "a.txt has changed bytes",
      "b/c.txt has 3 bytes instead of 4",
      "b/extra.txt does not belong to it",
    ];
    assert.deepEqual((await verifyStore(store)).damages, [{
      kind: "object",
      path,
      faults,
      movedTo: null,
    }]);
    await Deno.remove(join(folder, "a.txt"));
    assert.equal((await verifyStore(store)).damages[0].faults[0], "a.txt is missing");
    await overwrite(join(folder, "artifact.json"), '{"type":');
    assert.deepEqual((await verifyStore(store)).damages[0].faults, ["artifact.json is damaged"]);
    await Deno.remove(join(folder, "artifact.json"));
    assert.deepEqual((await verifyStore(store)).damages[0].faults, ["artifact.json is missing"]);
  }));

Deno.test("verifyStore() finds a changed byte that hasObject() cannot see", () =>
  withStore(async (store) => {
    const { digest, folder } = await filled(store);
    await overwrite(join(folder, "a.txt"), "abd");
    assert.equal(store.hasObject(digest), true);
    assert.equal((await verifyStore(store)).damages.length, 1);
  }));

Deno.test("verifyStore() names damaged keys, instances and runs, and keys without their objects", () =>
  withStore(async (store) => {
    const { key, digest } = await filled(store);
    await store.commitKey(keyRecord("other@seed=1", digest));
    await Deno.truncate(store.keyPath(key), 100);
    await Deno.writeTextFile(join(store.path, "runs/0001.json"), "{");
    await Deno.writeTextFile(join(store.path, "instances/tiny/train@seed=1.json"), "{}");
    await Deno.writeTextFile(join(store.path, "objects/note.txt"), "");
    await Deno.remove(store.objectPath(digest), { recursive: true });
    const { damages, incompleteKeys } = await verifyStore(store);
    assert.deepEqual(damages.map(({ kind, path, faults }) => [kind, path, ...faults]), [
      ["stray", "objects/note.txt", "is no object"],
      ["key", `keys/${key.slice(0, 2)}/${key}.json`, "is cut short"],
      ["instance", "instances/tiny/train@seed=1.json", "is damaged"],
      ["run", "runs/0001.json", "is damaged"],
    ]);
    assert.deepEqual(incompleteKeys, [sha256("other@seed=1")]);
  }));

Deno.test("verifyStore() sets damaged things aside only when asked, and they can be made again", () =>
  withStore(async (store) => {
    const { digest, key, folder } = await filled(store);
    await overwrite(join(folder, "a.txt"), "abd");
    await Deno.truncate(store.keyPath(key), 100);
    await verifyStore(store);
    assert.equal(store.hasObject(digest), true);
    const { damages } = await verifyStore(store, { repair: true });
    assert.deepEqual(damages.map(({ movedTo }) => movedTo), [
      `quarantine/objects-${digest.slice(0, 2)}-${digest}`,
      `quarantine/keys-${key.slice(0, 2)}-${key}.json`,
    ]);
    assert.equal(store.hasObject(digest), false);
    assert.equal(await Deno.readTextFile(join(store.path, damages[0].movedTo!, "a.txt")), "abd");
    await filled(store);
    assert.deepEqual((await verifyStore(store)).damages, []);
    await overwrite(join(folder, "a.txt"), "abd");
    const again = await verifyStore(store, { repair: true });
    assert.equal(again.damages[0].movedTo, `quarantine/objects-${digest.slice(0, 2)}-${digest}-2`);
  }));

Deno.test("verifyStore() recomputes logical digests with the types it is given", () =>
  withStore(async (store) => {
    const { digest } = await filled(store);
    const type: ArtifactType = {
      name: "pairs",
      describe: "",
      digest: () => Promise.resolve(sha256("b")),
      facts: () => Promise.resolve({}),
      compare: () => Promise.resolve([]),
    };
    const types = new Map([["pairs", type]]);
    assert.deepEqual((await verifyStore(store, { types })).damages[0].faults, [
      `its content has the logical digest ${sha256("b")}`,
    ]);
    const honest = new Map([["pairs", { ...type, digest: () => Promise.resolve(digest) }]]);
    assert.deepEqual((await verifyStore(store, { types: honest })).damages, []);
    const refusal = new InputError([{ path: "a", message: "Expected a database." }]);
    const refusing = new Map([["pairs", { ...type, digest: () => Promise.reject(refusal) }]]);
    assert.deepEqual((await verifyStore(store, { types: refusing })).damages[0].faults, [
      "Expected a database.",
    ]);
  }));

Deno.test("verifyStore() makes the catalog again when asked", () =>
  withStore(async (store) => {
    await filled(store);
    await Deno.writeTextFile(join(store.path, "catalog.duckdb"), "no database");
    await verifyStore(store, { rebuild: true });
    assert.deepEqual(await queryCatalog(store, "SELECT count(*) AS n FROM keys"), [{ n: 1 }]);
  }));
