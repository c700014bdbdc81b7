import assert from "node:assert/strict";
import { join } from "node:path";
import { Random } from "../../core/random.ts";
import {
  ballast,
  ballastJson,
  digestsOf,
  type RunDocument,
  RunningBallast,
} from "../end_to_end/ballast.ts";
import { ScratchFolder } from "../end_to_end/scratch_folder.ts";
import { SMALL_TINY } from "../end_to_end/small_tiny.ts";

const REFERENCE = "reference@seed=0";
/** `reference.checkpointSteps` of the small recipe. */
const CHECKPOINT_STEPS = 4;
const STEPS = 64;

const command = (store: string, ...stages: string[]) => [
  ...["run", ...stages, ...SMALL_TINY, "--store", store],
];

/** Starts the run and waits until training has done a step; says which it began with. */
async function trainUntil(run: RunningBallast, step: number): Promise<{ first: number }> {
  await run.event(
    "stage-progress",
    ({ id, progress }) => id === REFERENCE && progress.done >= step,
  );
  const { progress } = await run.event("stage-progress", ({ id }) => id === REFERENCE);
  return { first: progress.done };
}

/** A step that training goes on with from a checkpoint of an attempt killed at or after `killed`. */
function assertResumed(first: number, killed: number): void {
  assert.equal((first - 1) % CHECKPOINT_STEPS, 0, `began with step ${first}`);
  assert(first > killed - 2 * CHECKPOINT_STEPS, `began with step ${first}, killed at ${killed}`);
}

Deno.test("kill -9 during training: the next run resumes, to the same digests", async () => {
  await using scratch = await ScratchFolder.make();
  const calm = command(join(scratch.path, "calm"), "train/dpo");
  const undisturbed = await ballastJson<RunDocument>(calm);
  const store = join(scratch.path, "store");
  const killed = command(store, "train/dpo");
  const random = Random.seeded(1, "kill -9");

  const atStart = random.between(2 * CHECKPOINT_STEPS, 20);
  {
    await using run = new RunningBallast(killed);
    assert.equal((await trainUntil(run, atStart)).first, 1);
    run.kill("SIGKILL");
    assert.equal((await run.ended).code, 137);
  }
  const later = random.between(25, 40);
  {
    await using run = new RunningBallast(killed);
    assertResumed((await trainUntil(run, later)).first, atStart);
    const { resumed, pid } = await run.event("stage-started", ({ id }) => id === REFERENCE);
    assert.equal(resumed, true);
    Deno.kill(pid, "SIGKILL"); // the worker alone
    const { error } = await run.event("stage-failed");
    assert.match(error, /The worker ended without a result \(signal SIGKILL\)\./);
    assert.equal((await run.ended).code, 1);
  }
  {
    await using run = new RunningBallast([...killed, "--json"]);
    assertResumed((await trainUntil(run, STEPS)).first, later);
    const { code, stdout } = await run.ended;
    assert.equal(code, 0);
    const document = JSON.parse(stdout) as RunDocument;
    assert.equal(document.cached.length, 3, "what had been finished is kept");
    assert.deepEqual(digestsOf(document), digestsOf(undisturbed));
  }
  const { stdout } = await ballast(["verify", "--deep", "--store", store]);
  assert.match(stdout, /all as written/);
});

Deno.test("kill -9 at any moment leaves a store that is whole, and ends nothing for good", async () => {
  await using scratch = await ScratchFolder.make();
  const undisturbed = await ballastJson<RunDocument>(
    command(join(scratch.path, "calm"), "demonstration-tokens"),
  );
  const store = join(scratch.path, "store");
  const killed = command(store, "demonstration-tokens", "initial");
  const random = Random.seeded(2, "kill -9");
  for (const events of [0, ...Array.from({ length: 5 }, () => random.between(1, 9))]) {
    await using run = new RunningBallast(killed);
    await run.count(events);
    run.kill("SIGKILL");
    await run.ended;
    const { code, stdout } = await ballast(["verify", "--store", store]);
    assert.equal(code, 0, `killed after ${events} events: ${stdout}`);
  }
  const healed = digestsOf(await ballastJson<RunDocument>(killed));
  for (const [artifact, digest] of Object.entries(digestsOf(undisturbed))) {
    assert.equal(healed[artifact], digest, artifact);
  }
  const left = ["scratch", "tmp"].flatMap((part) => [...Deno.readDirSync(join(store, part))]);
  assert.deepEqual(left, [], "nothing of the killed attempts stays");
});

Deno.test("Ctrl-C ends a run with 130 at a safe point; the next one finishes it", async () => {
  await using scratch = await ScratchFolder.make();
  const args = command(join(scratch.path, "store"), "reference");
  {
    await using run = new RunningBallast([...args, "--json"]);
    await trainUntil(run, 6);
    run.kill("SIGINT");
    const { code, stdout, stderr } = await run.ended;
    assert.equal(code, 130);
    assert.match(stderr, /Stopping/);
    const { status, ran, failed } = JSON.parse(stdout) as RunDocument;
    assert.deepEqual([status, ran.length, failed], ["interrupted", 3, []]);
  }
  await using run = new RunningBallast(args);
  const { first } = await trainUntil(run, STEPS);
  assert(first > 6, `began with step ${first}: what had been trained is kept`);
  assert.equal((await run.ended).code, 0);
});

Deno.test("a second Ctrl-C ends a run at once, with an intact store", async () => {
  await using scratch = await ScratchFolder.make();
  const store = join(scratch.path, "store");
  await using run = new RunningBallast(command(store, "reference"));
  await trainUntil(run, 1);
  run.kill("SIGINT");
  run.kill("SIGINT");
  assert.equal((await run.ended).code, 130);
  assert.equal((await ballast(["verify", "--store", store])).code, 0);
});
