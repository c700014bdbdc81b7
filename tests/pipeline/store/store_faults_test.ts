import assert from "node:assert/strict";
import { join } from "node:path";
import { Random } from "../../../core/random.ts";
import { ExpectedError } from "../../../core/problem.ts";
import { Store } from "../../../pipeline/store/store.ts";
import { explainFailure } from "../../../core/write_atomically.ts";
import { verifyStore } from "../../../pipeline/verify.ts";
import { commitFiles, HOST, keyRecord, withStore } from "./fixture.ts";

/** Starts a process that commits to the store without end; resolves once it holds the lock. */
async function startCommitting(store: Store): Promise<Deno.ChildProcess> {
  const script = new URL("./committing_child.ts", import.meta.url).pathname;
  const folder = join(store.path, "..");
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-check",
      `--allow-read=${folder}`,
      `--allow-write=${folder}`,
      "--allow-sys=hostname",
      script,
      store.path,
    ],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  assert.equal(new TextDecoder().decode(value), "locked\n");
  await reader.cancel();
  return child;
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

Deno.test("a process killed while it commits leaves a whole store, twenty times", () =>
  withStore(async (store) => {
    const random = Random.seeded(1, "kill");
    let keys = 0;
    for (let round = 1; round <= 20; round++) {
      const child = await startCommitting(store);
      do await pause(random.between(0, 40)); while (store.listKeys().length === 0);
      child.kill("SIGKILL");
      await child.status;
      const found = await verifyStore(store);
      assert.deepEqual(found.damages, [], `round ${round}`);
      assert.deepEqual(found.incompleteKeys, [], `round ${round}`);
      assert.ok(found.keys >= keys, "what was committed stays");
      keys = found.keys;
    }
    for (const run of store.listRuns()) assert.equal(store.readRun(run)?.status, "running");
    (await store.lock()).release();
    assert.deepEqual([...Deno.readDirSync(store.folder("tmp"))], []);
  }));

Deno.test("lock() names the other process that holds the store, and is free once that is killed", () =>
  withStore(async (store) => {
    const child = await startCommitting(store);
    try {
      await assert.rejects(store.lock(), (error) => {
        assert.ok(error instanceof ExpectedError);
        const since = new Date().toISOString().slice(0, 10);
        assert.match( // it may have begun its run already
          error.message,
          new RegExp(`held by process ${child.pid} on .+(, since ${since}T| \\(run 0001\\))`),
        );
        assert.match(error.message, /Wait for it to end, stop it, or choose another folder/);
        return true;
      });
    } finally {
      child.kill("SIGKILL");
      await child.status;
    }
    (await store.lock()).release();
  }));

Deno.test("lock() leaves the attempts of the process that holds the store alone", () =>
  withStore(async (store) => {
    const lock = await store.lock();
    const attempt = await store.attemptFolder();
    await assert.rejects(Store.open(store.path).lock(), ExpectedError);
    assert.ok((await Deno.stat(attempt)).isDirectory);
    lock.release();
  }));

Deno.test("two processes that start runs at the same time get different ids", () =>
  withStore(async (store) => {
    const header = { recipe: "tiny", parameters: {}, command: [], startedAt: "", host: HOST };
    const runs = await Promise.all(
      Array.from({ length: 8 }, () => Store.open(store.path).startRun(header)),
    );
    assert.equal(new Set(runs.map(({ id }) => id)).size, 8);
    const outcome = { status: "done" as const, finishedAt: "", seconds: 0, instances: [] };
    for (const run of runs) await run.finish(outcome);
  }));

Deno.test("a store below a file says what is in the way", () =>
  withStore(async (store) => {
    await Deno.writeTextFile(store.path, "a file");
    await assert.rejects(Store.open(join(store.path, "inner")).lock(), {
      name: "ExpectedError",
      message:
        `Cannot write ${store.path}/inner/tmp: a file is in the way where a folder is needed. ` +
        "Move it or choose another folder.",
    });
  }));

Deno.test("a file in the place of a store's folder is named", () =>
  withStore(async (store) => {
    const header = { recipe: "tiny", parameters: {}, command: [], startedAt: "", host: HOST };
    const doing = {
      tmp: () => Store.open(store.path).lock(),
      runs: () => Store.open(store.path).startRun(header),
    };
    for (const [name, action] of Object.entries(doing)) {
      await Deno.mkdir(store.path, { recursive: true });
      await Deno.writeTextFile(join(store.path, name), "a file");
      await assert.rejects(action, {
        name: "ExpectedError",
        message:
          `Cannot write ${store.path}/${name}: a file is in the way where a folder is needed. ` +
          "Move it or choose another folder.",
      });
      await Deno.remove(store.path, { recursive: true });
    }
  }));

Deno.test("a full disk, a read-only one and missing permission become messages that say what to do", () => {
  const cases = [
    ["ENOSPC", /^Cannot write \.ballast: the disk is full\. Free some space/],
    ["EDQUOT", /the disk quota is used up/],
    ["EROFS", /the file system is read-only/],
    ["EACCES", /permission is denied/],
  ] as const;
  for (const [code, message] of cases) {
    const error = explainFailure(Object.assign(new Error("os error"), { code }), ".ballast");
    assert.ok(error instanceof ExpectedError);
    assert.match(error.message, message);
  }
  const duckdb = new Error('Could not write file "a.duckdb": No space left on device');
  assert.match((explainFailure(duckdb, ".ballast") as Error).message, cases[0][1]);
  const other = Object.assign(new Error("os error"), { code: "EIO" });
  assert.equal(explainFailure(other, ".ballast"), other);
});

Deno.test("commitKey() after a lost object works again once the object is made again", () =>
  withStore(async (store) => {
    const digest = await commitFiles(store, "a", { "a.txt": "abc" });
    await store.commitKey(keyRecord("train@seed=1", digest));
    await Deno.remove(join(store.objectPath(digest), "a.txt"));
    assert.equal(store.hasObject(digest), false);
    assert.notEqual(store.readKey(keyRecord("train@seed=1", digest).key), null);
    await commitFiles(store, "a", { "a.txt": "abc" });
    await store.commitKey(keyRecord("train@seed=1", digest));
    assert.deepEqual((await verifyStore(store)).damages, []);
  }));
