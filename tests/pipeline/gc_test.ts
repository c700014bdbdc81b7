import assert from "node:assert/strict";
import { join } from "node:path";
import { sha256 } from "../../core/digest.ts";
import { collectGarbage, listGarbage } from "../../pipeline/gc.ts";
import { notePulled } from "../../pipeline/store/pulled.ts";
import type { Store } from "../../pipeline/store/store.ts";
import type { RunOutcome } from "../../pipeline/store/records.ts";
import { commitFiles, HOST, keyRecord, withStore } from "./store/fixture.ts";

const NOW = Date.now();
const DAY = 86_400_000;

/** Records a run of instances, each with key and object named `instance beta`. */
async function addRun(
  store: Store,
  recipe: string,
  { beta, status = "done" }: { beta: number; status?: RunOutcome["status"] },
): Promise<{ keys: string[]; digests: string[] }> {
  const keys: string[] = [];
  const digests: string[] = [];
  const run = await store.startRun({
    recipe,
    parameters: {},
    command: [],
    startedAt: "",
    host: HOST,
  });
  for (const instance of ["tokenize", "train"]) {
    const name = `${recipe} ${instance} ${beta}`;
    const digest = await commitFiles(store, name, { "a.txt": name });
    const inputs = { tokens: [{ digest: digests[0] ?? sha256("nothing") }] };
    const record = keyRecord(instance, digest, {
      key: sha256(name),
      recipe,
      fields: { beta, inputs },
    });
    await store.commitKey(record);
    keys.push(record.key);
    digests.push(digest);
  }
  const instances = keys.map((key, i) => ({
    id: ["tokenize", "train"][i],
    stage: "",
    key,
    state: "ran" as const,
    seconds: 1,
  }));
  await run.finish({ status, finishedAt: "", seconds: 1, instances });
  return { keys, digests };
}

function removed(list: { garbage: readonly { path: string }[] }): string[] {
  return list.garbage.map(({ path }) => path.replace(/\.json$/, "").slice(-64)).sort();
}

Deno.test("listGarbage() keeps the last run of every recipe and lists the rest with bytes", () =>
  withStore(async (store) => {
    const old = await addRun(store, "tiny", { beta: 0.1 });
    await addRun(store, "other", { beta: 0.1 });
    await addRun(store, "tiny", { beta: 0.2 });
    const list = listGarbage(store, { now: NOW });
    assert.deepEqual(removed(list), [...old.keys, ...old.digests].sort());
    assert.deepEqual(list.keptRuns, ["0002", "0003"]);
    assert.deepEqual([list.keptKeys, list.keptObjects], [4, 4]);
    const whats = list.garbage.map(({ kind, what }) => `${kind} ${what}`).sort();
    assert.deepEqual(whats, [
      "key tokenize of tiny",
      "key train of tiny",
      "object pairs",
      "object pairs",
    ]);
    const sizes = list.garbage.map(({ path }) => sizeOf(join(store.path, path)));
    assert.equal(list.bytes, sizes.reduce((a, b) => a + b));
    assert.equal(store.listKeys().length, 6);
  }));

Deno.test("listGarbage() keeps what a recipe's last pull took, until its next one", () =>
  withStore(async (store) => {
    const [first, second] = [
      await addRun(store, "tiny", { beta: 0.1 }),
      await addRun(store, "tiny", { beta: 0.2 }),
    ];
    await addRun(store, "tiny", { beta: 0.3 });
    const both = [...first.keys, ...first.digests, ...second.keys, ...second.digests].sort();
    assert.deepEqual(removed(listGarbage(store, { now: NOW })), both);
    await notePulled(store, "tiny", first.keys);
    const others = [...second.keys, ...second.digests].sort();
    assert.deepEqual(removed(listGarbage(store, { now: NOW })), others);
    await notePulled(store, "tiny", second.keys);
    const before = [...first.keys, ...first.digests].sort();
    assert.deepEqual(removed(listGarbage(store, { now: NOW })), before);
  }));

function sizeOf(path: string): number {
  const { isDirectory, size } = Deno.statSync(path);
  if (!isDirectory) return size;
  return [...Deno.readDirSync(path)].reduce((sum, { name }) => sum + sizeOf(join(path, name)), 0);
}

Deno.test("listGarbage() keeps the last finished run beside a later failed one", () =>
  withStore(async (store) => {
    await addRun(store, "tiny", { beta: 0.1 });
    await addRun(store, "tiny", { beta: 0.2, status: "failed" });
    assert.deepEqual(listGarbage(store, { now: NOW }).garbage, []);
  }));

Deno.test("listGarbage() keeps the newest runs asked for, and the last results in any case", () =>
  withStore(async (store) => {
    const [first, second, third] = [
      await addRun(store, "tiny", { beta: 0.1 }),
      await addRun(store, "tiny", { beta: 0.2 }),
      await addRun(store, "tiny", { beta: 0.3 }),
    ];
    const kept = (runs: number) => removed(listGarbage(store, { now: NOW, runs }));
    assert.deepEqual(kept(3), []);
    assert.deepEqual(kept(2), [...first.keys, ...first.digests].sort());
    const both = [first, second].flatMap(({ keys, digests }) => [...keys, ...digests]).sort();
    assert.deepEqual(kept(1), both);
    assert.deepEqual(kept(0), both);
    assert.ok(third.digests.every((digest) => store.hasObject(digest)));
    assert.throws(() => listGarbage(store, { now: NOW, runs: 1.5 }), {
      name: "RangeError",
      message: "Expected runs to be an integer of at least 0 but found 1.5.",
    });
  }));

Deno.test("listGarbage() keeps what a kept result was made from, though no kept run names it", () =>
  withStore(async (store) => {
    const { keys: [tokenize, train] } = await addRun(store, "tiny", { beta: 0.1 });
    const run = await store.startRun({
      recipe: "tiny",
      parameters: {},
      command: [],
      startedAt: "",
      host: HOST,
    });
    const instances = [{
      id: "train",
      stage: "train",
      key: train,
      state: "cached" as const,
      seconds: null,
    }];
    await run.finish({ status: "done", finishedAt: "", seconds: 1, instances });
    await Deno.remove(store.folder("instances"), { recursive: true });
    const list = listGarbage(store, { now: NOW, runs: 1 });
    assert.deepEqual(list.garbage, []);
    assert.notEqual(store.readKey(tokenize), null);
  }));

Deno.test("listGarbage() keeps the result that an accepted key stands for", () =>
  withStore(async (store) => {
    const digest = await commitFiles(store, "a", { "a.txt": "a" });
    const old = keyRecord("train", digest, { key: sha256("old") });
    await store.commitKey(old);
    await store.commitKey(
      keyRecord("train", digest, { key: sha256("new"), acceptedFrom: old.key }),
    );
    assert.deepEqual(listGarbage(store, { now: NOW }).garbage, []);
  }));

Deno.test("listGarbage() takes scratch of finished keys, and abandoned scratch and quarantine by age", () =>
  withStore(async (store) => {
    const { keys } = await addRun(store, "tiny", { beta: 0.1 });
    await Deno.writeTextFile(join(await store.takeScratch(keys[0]), "checkpoint"), "abc");
    await Deno.writeTextFile(
      join(await store.takeScratch(sha256("unfinished")), "checkpoint"),
      "abcd",
    );
    await Deno.mkdir(join(store.folder("quarantine"), "objects-x"), { recursive: true });
    const kinds = (now: number) =>
      listGarbage(store, { now }).garbage.map(({ kind, bytes, what }) => [kind, bytes, what]);
    assert.deepEqual(kinds(NOW), [["scratch", 3, "tokenize, finished"]]);
    assert.deepEqual(kinds(NOW + 15 * DAY).map(([kind]) => kind), [
      "scratch",
      "scratch",
      "quarantine",
    ]);
  }));

Deno.test("listGarbage() lists damaged keys, and objects that no key names", () =>
  withStore(async (store) => {
    const { keys } = await addRun(store, "tiny", { beta: 0.1 });
    const stray = await commitFiles(store, "stray", { "a.txt": "" });
    await Deno.truncate(store.keyPath(keys[1]), 10);
    const list = listGarbage(store, { now: NOW });
    assert.deepEqual(list.garbage.map(({ what }) => what).sort(), [
      "a damaged key",
      "pairs",
      "pairs",
    ]);
    assert.ok(removed(list).includes(stray));
  }));

Deno.test("collectGarbage() removes what was listed and keeps the rest whole", () =>
  withStore(async (store) => {
    await addRun(store, "tiny", { beta: 0.1 });
    const young = await addRun(store, "tiny", { beta: 0.2 });
    const listed = listGarbage(store, { now: NOW });
    assert.deepEqual(await collectGarbage(store, { now: NOW }), listed);
    assert.deepEqual(store.listKeys(), [...young.keys].sort());
    assert.deepEqual(store.listObjects(), [...young.digests].sort());
    assert.ok(young.digests.every((digest) => store.hasObject(digest)));
    assert.deepEqual(listGarbage(store, { now: NOW }).garbage, []);
  }));

Deno.test("collectGarbage() takes an object out of its place before it is taken apart", () =>
  withStore(async (store) => {
    const { digests } = await addRun(store, "tiny", { beta: 0.1 });
    await addRun(store, "tiny", { beta: 0.2 });
    const inode = (path: string) => Deno.statSync(path).ino;
    const object = inode(store.objectPath(digests[0]));
    const remove = Deno.remove;
    const seen: (number | null)[] = [];
    Deno.remove = (path, options) => {
      seen.push(...[...Deno.readDirSync(path)].map(({ name }) => inode(join(String(path), name))));
      return remove(path, options);
    };
    try {
      await collectGarbage(store, { now: NOW });
    } finally {
      Deno.remove = remove;
    }
    assert.ok(seen.includes(object), "it is removed from below tmp/");
  }));

Deno.test("collectGarbage() on a store that is not there does nothing", () =>
  withStore(async (store) => {
    assert.deepEqual((await collectGarbage(store, { now: NOW })).garbage, []);
    assert.equal(store.exists(), false);
  }));
