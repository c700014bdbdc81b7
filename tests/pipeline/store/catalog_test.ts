import assert from "node:assert/strict";
import { join } from "node:path";
import { sha256 } from "../../../core/digest.ts";
import {
  catalogPath,
  queryCatalog,
  rebuildCatalog,
  updateCatalog,
} from "../../../pipeline/store/catalog.ts";
import type { Store } from "../../../pipeline/store/store.ts";
import { commitFiles, HOST, keyRecord, withStore } from "./fixture.ts";

async function fill(store: Store): Promise<void> {
  const digest = await commitFiles(store, "a", { "a.txt": "abc" });
  await store.commitKey(keyRecord("train/dpo@seed=1", digest, { warnings: ["it's short"] }));
  await store.commitKey(keyRecord("train/sft@seed=1", digest, { seconds: 2.5 }));
  await addRun(store, 1);
}

async function addRun(store: Store, step: number): Promise<void> {
  const run = await store.startRun({
    recipe: "tiny",
    parameters: { beta: 0.1 },
    command: ["run"],
    startedAt: "2026-01-02T03:04:05.678Z",
    host: HOST,
  });
  const key = sha256("train/dpo@seed=1");
  const id = "train/dpo@seed=1";
  run.append({
    time: 1000,
    type: "stage-progress",
    id,
    progress: { done: step, total: 9, unit: "steps" },
  });
  run.append({ time: 2000, type: "stage-log", id, level: "warning", message: "it's short" });
  const figures = { step, loss: 0.5, margin: null, tokens: 30, seconds: 0.25, residentBytes: 1024 };
  run.append({ time: 2500, type: "stage-step", id, figures });
  const instances = [{ id, stage: "train", key, state: "ran" as const, seconds: 1.5 }];
  await run.finish({
    status: "done",
    finishedAt: "2026-01-02T03:05:05.000Z",
    seconds: 60,
    instances,
  });
}

Deno.test("queryCatalog() answers SQL over runs, instances, keys, outputs, objects and events", () =>
  withStore(async (store) => {
    await fill(store);
    assert.deepEqual(
      await queryCatalog(
        store,
        "SELECT run, recipe, status, started_at, seconds, parameters ->> 'beta' AS beta FROM runs",
      ),
      [{
        run: "0001",
        recipe: "tiny",
        status: "done",
        started_at: "2026-01-02T03:04:05.678Z",
        seconds: 60,
        beta: "0.1",
      }],
    );
    assert.deepEqual(await queryCatalog(store, "SELECT instance, port, type, bytes FROM results"), [
      { instance: "train/dpo@seed=1", port: "out", type: "pairs", bytes: 3 },
    ]);
    assert.deepEqual(
      await queryCatalog(store, "SELECT stage, instances, mean_seconds FROM timings"),
      [
        { stage: "train", instances: 2, mean_seconds: 2 },
      ],
    );
    assert.deepEqual(
      await queryCatalog(store, "SELECT time, done, total, unit, note FROM progress"),
      [
        { time: "1970-01-01T00:00:01.000Z", done: 1, total: 9, unit: "steps", note: null },
      ],
    );
    assert.deepEqual(await queryCatalog(store, "SELECT instance, level, message FROM logs"), [
      { instance: "train/dpo@seed=1", level: "warning", message: "it's short" },
    ]);
    assert.deepEqual(
      await queryCatalog(
        store,
        "SELECT run, instance, step, loss, margin, tokens, seconds, resident_bytes FROM training_steps",
      ),
      [{
        run: "0001",
        instance: "train/dpo@seed=1",
        step: 1,
        loss: 0.5,
        margin: null,
        tokens: 30,
        seconds: 0.25,
        resident_bytes: 1024,
      }],
    );
    assert.deepEqual(await queryCatalog(store, "SELECT type, bytes, files FROM objects"), [
      { type: "pairs", bytes: 3, files: 1 },
    ]);
  }));

Deno.test("updateCatalog() adds new runs, finishes running ones and drops keys that are gone", () =>
  withStore(async (store) => {
    await fill(store);
    const header = { recipe: "tiny", parameters: {}, command: [], startedAt: "", host: HOST };
    const open = await store.startRun(header);
    const statuses = () => queryCatalog(store, "SELECT run, status FROM runs ORDER BY run");
    assert.deepEqual(await statuses(), [
      { run: "0001", status: "done" },
      { run: "0002", status: "running" },
    ]);
    await open.finish({ status: "failed", finishedAt: "", seconds: 1, instances: [] });
    await addRun(store, 5);
    await Deno.remove(store.keyPath(sha256("train/sft@seed=1")));
    assert.deepEqual(await statuses(), [
      { run: "0001", status: "done" },
      { run: "0002", status: "failed" },
      { run: "0003", status: "done" },
    ]);
    assert.deepEqual(await queryCatalog(store, "SELECT run, done FROM progress ORDER BY run"), [
      { run: "0001", done: 1 },
      { run: "0003", done: 5 },
    ]);
    assert.deepEqual(await queryCatalog(store, "SELECT count(*) AS n FROM keys"), [{ n: 1 }]);
  }));

Deno.test("updateCatalog() makes a damaged or deleted catalog again, as rebuildCatalog() does", () =>
  withStore(async (store) => {
    await fill(store);
    const dump = () => queryCatalog(store, "SELECT * FROM keys ORDER BY key");
    const whole = await dump();
    assert.equal(whole.length, 2);
    await Deno.writeTextFile(catalogPath(store), "no database");
    assert.deepEqual(await dump(), whole);
    await Deno.remove(catalogPath(store));
    assert.deepEqual(await dump(), whole);
    await Deno.writeTextFile(`${catalogPath(store)}.building`, "left by a kill");
    await rebuildCatalog(store);
    assert.deepEqual(await dump(), whole);
    await updateCatalog(store);
    const names = [...Deno.readDirSync(store.path)].map(({ name }) => name);
    assert.deepEqual(names.filter((name) => name.startsWith("catalog")).sort(), [
      "catalog.duckdb",
      "catalog.duckdb.lock",
    ]);
  }));

Deno.test("a catalog that cannot be written says so, naming it, and leaves nothing behind", () =>
  withStore(async (store) => {
    await fill(store);
    await Deno.mkdir(join(catalogPath(store), "in the way"), { recursive: true });
    await assert.rejects(rebuildCatalog(store), {
      name: "ExpectedError",
      message:
        `Cannot write ${catalogPath(store)}: a folder is in the way where a file is needed. ` +
        "Move it or choose another folder.",
    });
    assert.throws(() => Deno.statSync(`${catalogPath(store)}.building`), Deno.errors.NotFound);
  }));

Deno.test("queryCatalog() changes nothing and reads no other file", () =>
  withStore(async (store) => {
    await fill(store);
    const secret = join(store.path, "secret.csv");
    await Deno.writeTextFile(secret, "a\n1\n");
    await assert.rejects(queryCatalog(store, "DROP TABLE runs"), { name: "ExpectedError" });
    await assert.rejects(queryCatalog(store, `SELECT * FROM '${secret}'`), {
      name: "ExpectedError",
    });
    await assert.rejects(queryCatalog(store, "SELEC 1"), {
      name: "ExpectedError",
      message: /syntax error/,
    });
    assert.equal((await queryCatalog(store, "SELECT * FROM runs")).length, 1);
  }));

Deno.test("queryCatalog() on an empty store says so and creates nothing", () =>
  withStore(async (store) => {
    await assert.rejects(queryCatalog(store, "SELECT 1"), {
      name: "ExpectedError",
      message: `${store.path} is empty: nothing was run there yet.`,
    });
    assert.throws(() => Deno.statSync(store.path), Deno.errors.NotFound);
  }));

Deno.test("opening a store does not load the database", async () => {
  const module = new URL("../../../pipeline/store/store.ts", import.meta.url).href;
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json", module] })
    .output();
  const { modules } = JSON.parse(new TextDecoder().decode(stdout));
  const loaded: string[] = modules.map(({ specifier }: { specifier: string }) => specifier);
  assert.ok(loaded.some((specifier) => specifier.endsWith("core/digest.ts")));
  assert.deepEqual(loaded.filter((specifier) => /duckdb|catalog/.test(specifier)), []);
});

Deno.test("updateCatalog() takes up new, changed and removed keys and objects, and reads no others", () =>
  withStore(async (store) => {
    await fill(store);
    await updateCatalog(store);
    const [kept, gone] = [
      keyRecord("train/dpo@seed=1", "").key,
      keyRecord("train/sft@seed=1", "").key,
    ];
    // Its file is as old as before, so that its damage is not noticed: it was not read.
    const { mtime } = await Deno.stat(store.keyPath(kept));
    await Deno.writeTextFile(store.keyPath(kept), "no record");
    await Deno.utime(store.keyPath(kept), mtime!, mtime!);
    await Deno.remove(store.keyPath(gone));
    const other = await commitFiles(store, "b", { "b.txt": "bcd" });
    await store.commitKey(keyRecord("audit", other));
    const rows = () =>
      queryCatalog(
        store,
        "SELECT instance, port, seconds FROM keys JOIN outputs USING (key) ORDER BY 1",
      );
    assert.deepEqual(await rows(), [
      { instance: "audit", port: "out", seconds: 1.5 },
      { instance: "train/dpo@seed=1", port: "out", seconds: 1.5 },
    ]);
    await store.commitKey(keyRecord("audit", other, { seconds: 7 }));
    await Deno.remove(store.objectPath(other), { recursive: true });
    assert.deepEqual((await rows())[0], { instance: "audit", port: "out", seconds: 7 });
    assert.deepEqual(await queryCatalog(store, "SELECT count(*) AS n FROM objects"), [{ n: 1 }]);
  }));
