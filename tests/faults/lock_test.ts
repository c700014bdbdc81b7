import assert from "node:assert/strict";
import { join } from "node:path";
import {
  ballast,
  ballastJson,
  digestsOf,
  type RunDocument,
  RunningBallast,
} from "../end_to_end/ballast.ts";
import { ScratchFolder } from "../end_to_end/scratch_folder.ts";
import { SMALL_TINY } from "../end_to_end/small_tiny.ts";

Deno.test("a second run waits for what the first computes; repair is refused, and gc takes nothing of theirs", async () => {
  await using scratch = await ScratchFolder.make();
  const store = join(scratch.path, "store");
  const long = [...SMALL_TINY, "--set", "reference.epochs=100", "--store", store];
  const args = ["run", "reference", ...long];
  await using first = new RunningBallast(args);
  await first.event("stage-started", ({ id }) => id.startsWith("reference"));
  await using second = new RunningBallast(args);
  const { pid } = await second.event("stage-waiting", ({ id }) => id.startsWith("reference"));
  assert.equal(pid, first.pid);
  const { code, stdout, stderr } = await ballast(["verify", "--repair", "--store", store]);
  assert.deepEqual([code, stdout], [1, ""]);
  assert(stderr.includes(`${store}/lock is held by process ${first.pid} on `), stderr);
  assert(stderr.includes(`process ${second.pid} on `), stderr);
  assert.match(stderr, /--store/);
  assert.doesNotMatch(stderr, /\n +at /, "no stack trace");
  const collected = await ballast(["gc", "--delete", "--store", store]);
  assert.deepEqual([collected.code, collected.stderr], [0, ""]);
  assert.match(collected.stdout, /^0 things, 0 B removed\./);
  for (const reading of ["status", "verify", "gc"]) {
    assert.equal((await ballast([reading, "--store", store])).code, 0, reading);
  }
  for (const { events } of [first, second]) {
    assert(!events.some(({ type }) => type === "run-finished" || type === "stage-failed"));
  }
  first.kill("SIGINT");
  assert.equal((await first.ended).code, 130);
  const started = await second.event("stage-started", ({ id }) => id.startsWith("reference"));
  assert.equal(started.resumed, true, "the second goes on from where the first stopped");
  second.kill("SIGINT");
  assert.equal((await second.ended).code, 130);
  const after = await ballast(["run", "world", ...long, "--progress", "plain"]);
  assert.equal(after.code, 0);
  assert.match(after.stderr, /nothing to do, 1 stage cached/);
});

Deno.test("two runs of a real recipe at once compute each stage once and give equal digests", async () => {
  await using scratch = await ScratchFolder.make();
  const small = ["run", "train/dpo", "train/sft", ...SMALL_TINY, "--store"];
  const command = [...small, join(scratch.path, "store")];
  const [first, second] = await Promise.all(
    [command, command].map((args) => ballastJson<RunDocument>(args)),
  );
  assert.notEqual(first.run, second.run);
  const ran = [...first.ran, ...second.ran];
  assert.deepEqual(ran.toSorted(), first.stages.map(({ id }) => id).toSorted());
  assert.deepEqual(digestsOf(second), digestsOf(first));
  const alone = await ballastJson<RunDocument>([...small, join(scratch.path, "alone")]);
  assert.deepEqual(digestsOf(first), digestsOf(alone));
});
