import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { sha256 } from "../../../core/digest.ts";
import { ExpectedError } from "../../../core/problem.ts";
import { Store } from "../../../pipeline/store/store.ts";
import { commitFiles, HOST, keyRecord, withStore } from "./fixture.ts";

Deno.test("Store.open() and reads create nothing", () =>
  withStore((store) => {
    assert.equal(store.readKey(sha256("k")), null);
    assert.equal(store.hasObject(sha256("o")), false);
    assert.equal(store.readInstance("tiny", "train@seed=1"), null);
    assert.deepEqual(store.listRuns(), []);
    assert.equal(store.timings.pastSeconds("train"), null);
    assert.equal(store.exists(), false);
    assert.throws(() => Deno.statSync(store.path), Deno.errors.NotFound);
    return Promise.resolve();
  }));

Deno.test("Store.open() refuses a store of a newer format", () =>
  withStore(async (store) => {
    await store.attemptFolder();
    await Deno.writeTextFile(join(store.path, "format.json"), '{"format":2}\n');
    assert.throws(() => Store.open(store.path), {
      name: "ExpectedError",
      message:
        `${store.path} has store format 2, and this version reads 1: a newer Ballast wrote it. ` +
        "Update Ballast or choose another folder with --store.",
    });
  }));

Deno.test("commitArtifact() keeps files read-only under the logical digest with their hashes", () =>
  withStore(async (store) => {
    const digest = await commitFiles(store, "a", { "b/c.txt": "abc", "a.txt": "" });
    assert.ok(store.hasObject(digest));
    assert.deepEqual(store.readArtifact(digest), {
      type: "pairs",
      digest,
      bytes: 3,
      files: [
        { path: "a.txt", size: 0, sha256: sha256("") },
        { path: "b/c.txt", size: 3, sha256: sha256("abc") },
      ],
    });
    const path = join(store.objectPath(digest), "b/c.txt");
    assert.equal((await Deno.stat(path)).mode! & 0o777, 0o444);
    assert.deepEqual(store.listObjects(), [digest]);
  }));

Deno.test("commitArtifact() lets the first object of a digest stay and drops the second", () =>
  withStore(async (store) => {
    const digest = await commitFiles(store, "a", { "a.txt": "first" });
    await commitFiles(store, "a", { "a.txt": "other layout" });
    const path = join(store.objectPath(digest), "a.txt");
    assert.equal(await Deno.readTextFile(path), "first");
    assert.deepEqual([...Deno.readDirSync(store.folder("tmp"))], []);
  }));

Deno.test("commitArtifact() replaces an object that lost a file", () =>
  withStore(async (store) => {
    const digest = await commitFiles(store, "a", { "a.txt": "1", "b.txt": "2" });
    await Deno.remove(join(store.objectPath(digest), "b.txt"));
    assert.equal(store.hasObject(digest), false);
    await commitFiles(store, "a", { "a.txt": "1", "b.txt": "2" });
    assert.equal(store.hasObject(digest), true);
  }));

Deno.test("commitArtifact() refuses links and a file named artifact.json", () =>
  withStore(async (store) => {
    const folder = await store.attemptFolder();
    await Deno.symlink("/etc/hostname", join(folder, "link"));
    await assert.rejects(store.commitArtifact({ folder, type: "pairs", digest: sha256("a") }), {
      name: "TypeError",
      message: "Expected link to be a file or a folder but found a link.",
    });
    await assert.rejects(commitFiles(store, "b", { "artifact.json": "{}" }), TypeError);
    assert.deepEqual(store.listObjects(), []);
  }));

Deno.test("commitKey() makes a record that readKey(), readInstance() and pastSeconds() find", () =>
  withStore(async (store) => {
    const digest = await commitFiles(store, "a", { "a.txt": "abc" });
    const record = keyRecord("train/rpo-sum@seed=1", digest);
    await store.commitKey(record);
    assert.deepEqual(store.readKey(record.key), record);
    assert.deepEqual(store.readInstance("tiny", "train/rpo-sum@seed=1"), {
      instance: "train/rpo-sum@seed=1",
      key: record.key,
    });
    assert.deepEqual(store.listKeys(), [record.key]);
    assert.equal(store.timings.pastSeconds("train"), 1.5);
    const other = keyRecord("train/dpo@seed=1", digest, { seconds: 4 });
    await store.commitKey(other);
    assert.equal(store.timings.pastSeconds("train"), 4);
    const place = { recipe: "tiny", instance: "train/rpo-sum@seed=1" };
    assert.equal(store.timings.pastSeconds("train", place), 1.5);
  }));

Deno.test("commitKey() refuses outputs that are not in the store", () =>
  withStore(async (store) => {
    const record = keyRecord("train@seed=1", sha256("nowhere"));
    await assert.rejects(store.commitKey(record), {
      name: "RangeError",
      message: `Expected output out (${sha256("nowhere")}) of train@seed=1 in the store.`,
    });
  }));

Deno.test("readKey() takes a truncated, changed or foreign key file for missing", () =>
  withStore(async (store) => {
    const digest = await commitFiles(store, "a", { "a.txt": "abc" });
    const record = keyRecord("train@seed=1", digest);
    await store.commitKey(record);
    const path = store.keyPath(record.key);
    const text = await Deno.readTextFile(path);
    for (const length of [0, 1, 40, text.length - 1]) {
      await Deno.writeTextFile(path, text.slice(0, length));
      assert.equal(store.readKey(record.key), null, `cut to ${length} bytes`);
    }
    await Deno.writeTextFile(path, text.replace('"seconds": 1.5', '"seconds": 2.5'));
    assert.equal(store.readKey(record.key), null);
    const foreign = store.keyPath(sha256("other"));
    await Deno.mkdir(join(foreign, ".."), { recursive: true });
    await Deno.writeTextFile(foreign, text);
    assert.equal(store.readKey(sha256("other")), null);
    await Deno.writeTextFile(path, text);
    assert.deepEqual(store.readKey(record.key), record);
  }));

Deno.test("digests that are none are refused, so that no path leaves the store", () =>
  withStore((store) => {
    for (const wrong of ["", "..", "../../etc", "A".repeat(64), "a".repeat(63)]) {
      assert.throws(() => store.objectPath(wrong), RangeError);
      assert.throws(() => store.readKey(wrong), RangeError);
    }
    return Promise.resolve();
  }));

Deno.test("instance and recipe names cannot leave their folder", () =>
  withStore(async (store) => {
    const names = ["..", ".", "../../x", "a/b", "a%2Fb", "ä\n", "x".repeat(1000), "x".repeat(1001)];
    for (const name of names) {
      await store.writeInstance(name, { instance: name, key: sha256(name) });
    }
    for (const name of names) {
      assert.deepEqual(store.readInstance(name, name), { instance: name, key: sha256(name) });
    }
    const root = [...Deno.readDirSync(store.path)].map(({ name }) => name).sort();
    assert.deepEqual(root, [".gitignore", "format.json", "instances", "tmp"]);
    assert.throws(() => store.readInstance("tiny", ""), RangeError);
  }));

Deno.test("takeScratch() finds what an earlier attempt left, which no longer does; dropScratch() removes it", () =>
  withStore(async (store) => {
    const key = sha256("k");
    assert.equal(store.hasScratch(key), false);
    const unused = await store.takeScratch(key);
    const folder = await store.takeScratch(key);
    assert.equal(store.hasScratch(key), false);
    await Deno.writeTextFile(join(folder, "checkpoint"), "1");
    const next = await store.takeScratch(key);
    assert.equal(await Deno.readTextFile(join(next, "checkpoint")), "1");
    for (const earlier of [unused, folder]) {
      await assert.rejects(Deno.writeTextFile(join(earlier, "checkpoint"), "2"), /No such file/);
    }
    assert.equal(store.hasScratch(key), true);
    await store.dropScratch(next);
    await store.dropScratch(next);
    assert.equal(store.hasScratch(key), false);
    assert.deepEqual([...Deno.readDirSync(store.folder("scratch"))], []);
  }));

Deno.test("an attempt that has lost its scratch removes nothing of its successor's, which takes no empty one", () =>
  withStore(async (store) => {
    const key = sha256("k");
    const lost = await store.takeScratch(key);
    const taken = await store.takeScratch(key);
    await Deno.writeTextFile(join(taken, "checkpoint"), "1");
    await store.dropScratch(lost);
    // As a stage that makes its folders anew; at either end of the order of names.
    for (const name of ["0", "z"]) await Deno.mkdir(join(dirname(taken), name));
    await Deno.writeTextFile(join(dirname(taken), "a file"), "");
    const next = await store.takeScratch(key);
    assert.equal(await Deno.readTextFile(join(next, "checkpoint")), "1");
  }));

Deno.test("runs have sequential ids, events in order, and an outcome", () =>
  withStore(async (store) => {
    const header = {
      recipe: "tiny",
      parameters: { seeds: [1] },
      command: ["run"],
      startedAt: "2026-01-02T03:04:05.000Z",
      host: HOST,
    };
    const first = await store.startRun(header);
    const second = await store.startRun(header);
    assert.deepEqual([first.id, second.id], ["0001", "0002"]);
    const key = sha256("k");
    first.append({ time: 1, type: "stage-cached", id: "world@seed=1", key });
    first.append({
      time: 2,
      type: "stage-finished",
      id: "train/dpo@seed=1",
      key,
      seconds: 2,
      peakMemoryBytes: null,
      outputs: {},
    });
    const cached = {
      id: "world@seed=1",
      stage: "world",
      key,
      state: "cached" as const,
      seconds: null,
    };
    const ran = { id: "train/dpo@seed=1", stage: "train", key, state: "ran" as const, seconds: 2 };
    const killed = store.readRun("0001")!;
    assert.equal(killed.status, "running");
    assert.deepEqual(killed.instances, [cached, ran]);
    const outcome = {
      status: "done" as const,
      finishedAt: "2026-01-02T03:05:05.000Z",
      seconds: 60,
      instances: [ran],
    };
    await first.finish(outcome);
    assert.deepEqual(store.readRun("0001"), { ...header, run: "0001", pid: Deno.pid, ...outcome });
    assert.throws(() => first.append({ time: 3, type: "stage-cached", id: "x", key }), TypeError);
    assert.deepEqual(store.runs.events("0001").map(({ time }) => time), [1, 2]);
    await second.finish(outcome);
    assert.deepEqual(store.listRuns(), ["0001", "0002"]);
    assert.equal(store.readRun("../0001"), null);
  }));

Deno.test("a line of events cut short by a kill is left out", () =>
  withStore(async (store) => {
    const run = await store.startRun({
      recipe: "tiny",
      parameters: {},
      command: [],
      startedAt: "2026-01-02T03:04:05.000Z",
      host: HOST,
    });
    run.append({ time: 1, type: "stage-cached", id: "world", key: sha256("k") });
    await Deno.writeTextFile(join(store.path, "runs/0001.events.ndjson"), '{"time":2,"ty', {
      append: true,
    });
    assert.equal(store.runs.events("0001").length, 1);
    await run.finish({ status: "failed", finishedAt: "", seconds: 0, instances: [] });
  }));

Deno.test("share() sweeps what killed attempts left, but not what a run of another machine may be at", () =>
  withStore(async (store) => {
    await store.attemptFolder();
    const lease = `${store.folder("leases")}/run-0001`;
    await Deno.mkdir(store.folder("leases"));
    await Deno.writeTextFile(lease, '{"pid":7,"host":"elsewhere","token":"theirs","beat":"1"}\n');
    const left = async () => {
      using _share = await store.share();
      return [...Deno.readDirSync(store.folder("tmp"))].length;
    };
    assert.equal(await left(), 1);
    const written = Date.now() - 9 * 60_000;
    await Deno.utime(lease, new Date(written), new Date(written));
    assert.equal(await left(), 1);
    const earlier = Date.now() - 11 * 60_000;
    await Deno.utime(lease, new Date(earlier), new Date(earlier));
    assert.equal(await left(), 0);
    assert.deepEqual([...Deno.readDirSync(store.folder("leases"))], []);
  }));

Deno.test("lock() sweeps what killed attempts left, and leaves scratch alone", () =>
  withStore(async (store) => {
    const attempt = await store.attemptFolder();
    await Deno.writeTextFile(join(attempt, "half"), "x");
    const scratch = await store.takeScratch(sha256("k"));
    using _lock = await store.lock();
    assert.deepEqual([...Deno.readDirSync(store.folder("tmp"))], []);
    assert.ok((await Deno.stat(scratch)).isDirectory);
  }));

Deno.test("lock() refuses a second holder, naming the first, until it is released", () =>
  withStore(async (store) => {
    const lock = await store.lock(Date.UTC(2026, 0, 2));
    await assert.rejects(store.lock(), (error) => {
      assert.ok(error instanceof ExpectedError);
      assert.match(
        error.message,
        new RegExp(`process ${Deno.pid} on .+, since 2026-01-02T00:00:00`),
      );
      return true;
    });
    lock.release();
    (await store.lock()).release();
  }));

Deno.test("an object whose record names a file outside its folder is damaged, whatever lies there", () =>
  withStore(async (store) => {
    for (const path of ["../a.txt", "/etc/hostname", "x/../../a.txt", "./a.txt", "", "a\\..\\b"]) {
      const digest = await commitFiles(store, path, { "a.txt": "abc" });
      const record = join(store.objectPath(digest), "artifact.json");
      const { files, ...others } = JSON.parse(await Deno.readTextFile(record));
      await Deno.chmod(record, 0o644);
      const text = JSON.stringify({ ...others, files: [{ ...files[0], path }] });
      await Deno.writeTextFile(record, text);
      await Deno.writeTextFile(join(store.objectPath(digest), "..", "a.txt"), "abc");
      assert.equal(store.readArtifact(digest), null, path);
    }
  }));

Deno.test("share() sweeps nothing while a lease without a name may be another machine's", () =>
  withStore(async (store) => {
    const attempt = await store.attemptFolder();
    const lease = join(store.folder("leases"), "key");
    await Deno.mkdir(store.folder("leases"), { recursive: true });
    await Deno.writeTextFile(lease, '{"pid":7,"ho');
    (await Store.open(store.path).share())[Symbol.dispose]();
    assert(Deno.statSync(attempt).isDirectory && Deno.statSync(lease).isFile);
    await Deno.utime(lease, new Date(0), new Date(0));
    (await Store.open(store.path).share())[Symbol.dispose]();
    for (const path of [attempt, lease]) {
      assert.throws(() => Deno.statSync(path), Deno.errors.NotFound);
    }
  }));
