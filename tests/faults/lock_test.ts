import assert from "node:assert/strict";
import { join } from "node:path";
import { ballast, RunningBallast } from "../end_to_end/ballast.ts";
import { ScratchFolder } from "../end_to_end/scratch_folder.ts";
import { SMALL_TINY } from "../end_to_end/small_tiny.ts";

Deno.test("a second run at the same time is told who holds the store; the first is not disturbed", async () => {
  await using scratch = await ScratchFolder.make();
  const store = join(scratch.path, "store");
  const long = [...SMALL_TINY, "--set", "reference.epochs=100", "--store", store];
  const args = ["run", "reference", ...long];
  await using first = new RunningBallast(args);
  await first.event("stage-started");
  const changing = [args, ["gc", "--delete", "--store", store], [
    "verify",
    "--repair",
    "--store",
    store,
  ]];
  for (const second of changing) {
    const { code, stdout, stderr } = await ballast(second);
    assert.deepEqual([code, stdout], [1, ""], second[0]);
    assert(stderr.includes(`${store}/lock is held by process ${first.pid} on `), stderr);
    assert.match(stderr, /--store/);
    assert.doesNotMatch(stderr, /\n +at /, "no stack trace");
  }
  for (const reading of ["status", "verify", "gc"]) {
    assert.equal((await ballast([reading, "--store", store])).code, 0, reading);
  }
  assert(!first.events.some(({ type }) => type === "run-finished" || type === "stage-failed"));
  first.kill("SIGINT");
  assert.equal((await first.ended).code, 130);
  const after = await ballast(["run", "world", ...long, "--progress", "plain"]);
  assert.equal(after.code, 0);
  assert.match(after.stderr, /nothing to do, 1 stage cached/);
});
