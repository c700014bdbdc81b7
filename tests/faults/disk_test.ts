import assert from "node:assert/strict";
import { join } from "node:path";
import { ballast, ballastJson, type PlanDocument } from "../end_to_end/ballast.ts";
import { ScratchFolder } from "../end_to_end/scratch_folder.ts";
import { SMALL_TINY } from "../end_to_end/small_tiny.ts";
import type { RunEvent } from "../../pipeline/events.ts";
import { Store } from "../../pipeline/store/store.ts";
import { HOST } from "../pipeline/store/fixture.ts";
import { canMount, fillDisk, SmallDisk } from "./small_disk.ts";

const ignore = !canMount();

Deno.test({
  name: "a full disk is named; with room again the run ends, on an intact store (needs mount)",
  ignore,
  async fn() {
    await using scratch = await ScratchFolder.make();
    using disk = new SmallDisk(scratch.path, "64m");
    const store = join(disk.path, "store");
    const here = [...SMALL_TINY, "--set", "world.demonstrations=20480", "--store", store];
    const args = ["run", "demonstration-tokens", "initial", ...here];
    for (const size of ["40k", "512k", "3m", "4m"]) { // at the lock, in world, in both after it, in DuckDB
      disk.remount(`size=${size}`);
      const { code, stderr } = await ballast(args);
      assert.equal(code, 1, size);
      assert.match(stderr, new RegExp(`Cannot write ${store}.*: the disk is full\\.`), size);
      assert.doesNotMatch(stderr, /\n +at /, "no stack trace");
      const verified = await ballast(["verify", "--store", store]);
      assert.equal(verified.code, 0, `${size}: ${verified.stdout}`);
    }
    const [last] = (await ballastJson<{ runs: { status: string }[] }>([
      ...["status", "--store", store],
    ])).runs.slice(-1);
    assert.equal(last.status, "failed", "what failed is written down");
    disk.remount("size=64m");
    const { code, stderr } = await ballast(args);
    assert.equal(code, 0, stderr);
    assert.equal((await ballast(["verify", "--deep", "--store", store])).code, 0);
  },
});

Deno.test({
  name:
    "a run on a disk without a byte left writes down what happened, and how it ended (needs mount)",
  ignore,
  async fn() {
    await using scratch = await ScratchFolder.make();
    using disk = new SmallDisk(scratch.path, "1m");
    const store = Store.open(join(disk.path, "store"));
    using _share = await store.share();
    const header = { recipe: "tiny", parameters: {}, command: [], startedAt: "", host: HOST };
    const run = await store.startRun(header);
    fillDisk(join(disk.path, "full"));
    const events = Array.from({ length: 100 }, (_, i): RunEvent => ({
      ...{ type: "stage-log", time: i, id: "a", level: "info", message: "x".repeat(200) },
    }));
    for (const event of events) run.append(event);
    const instances = Array.from({ length: 100 }, (_, i) => ({
      ...{ id: `train@seed=${i}`, stage: "train", state: "failed" as const },
      ...{ key: "ab".repeat(32), seconds: 1 },
    }));
    await run.finish({ status: "failed", finishedAt: "", seconds: 1, instances });
    const record = store.readRun(run.id);
    assert.deepEqual([record?.status, record?.instances.length], ["failed", 100]);
    assert.deepEqual(store.runs.events(run.id), events);
  },
});

Deno.test({
  name: "a read-only store can be planned on and looked at, and a run says why not (needs mount)",
  ignore,
  async fn() {
    await using scratch = await ScratchFolder.make();
    using disk = new SmallDisk(scratch.path, "64m");
    const store = join(disk.path, "store");
    const here = [...SMALL_TINY, "--store", store];
    await ballastJson(["run", "world", ...here]);
    disk.remount("ro");
    const { stages } = await ballastJson<PlanDocument>(["plan", ...here]);
    assert.equal(stages.filter(({ state }) => state === "cached").length, 1);
    for (const command of ["status", "verify", "gc"]) {
      const { code, stderr } = await ballast([command, "--store", store]);
      assert.equal(code, 0, `${command}: ${stderr}`);
    }
    const { code, stdout, stderr } = await ballast(["run", "initial", ...here]);
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, new RegExp(`Cannot write ${store}.*: the file system is read-only\\.`));
    assert.doesNotMatch(stderr, /\n +at /, "no stack trace");
    disk.remount("rw");
    assert.equal((await ballast(["run", "initial", ...here])).code, 0);
  },
});
