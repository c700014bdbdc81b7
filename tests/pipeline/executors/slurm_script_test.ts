import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { SlurmJob } from "../../../pipeline/executors/slurm_job.ts";
import { batchScript, FILES } from "../../../pipeline/executors/slurm_script.ts";
import type { StageJob, WorkerMessage } from "../../../pipeline/executor.ts";
import { ScratchFolder } from "../../end_to_end/scratch_folder.ts";

async function submitted(folder: string, said: string[] = []): Promise<SlurmJob> {
  const [attempt, scratch] = [join(folder, "attempt"), join(folder, "scratch", "key", "own")];
  for (const path of [scratch, join(attempt, "out")]) await Deno.mkdir(path, { recursive: true });
  const job: StageJob = {
    ...{ id: "train@seed=0", run: "0001", stage: "train", module: "file:///x.ts" },
    ...{ artifactTypes: "file:///y.ts", params: {}, inputs: {}, attempt, scratch },
    ...{ outputs: { out: { type: "model", folder: join(attempt, "out") } }, caches: {} },
    ...{ paths: [], resources: { cores: 1 } },
  };
  const listen = (message: WorkerMessage) =>
    void (message.type === "log" && said.push(message.message));
  const started = new SlurmJob(job, listen, {
    ...{ deno: Deno.execPath(), projectFolder: folder, codeFolders: [] },
  });
  await started.prepare();
  started.id = "12";
  return started;
}

/** Runs the batch script as a node would, with a worker of its own; gives the exit code. */
async function runBatch(job: SlurmJob, worker: string): Promise<number> {
  await Deno.writeTextFile(join(job.folder, FILES.worker), worker);
  const script = `${job.folder}.script`;
  await Deno.writeTextFile(
    script,
    batchScript([{ folder: job.folder, scratch: job.job.scratch }], 2),
  );
  return (await new Deno.Command("sh", { args: [script] }).output()).code;
}

Deno.test("a job that ends itself because its pipeline was silent is submitted again, 20 times at most", async () => {
  await using scratch = await ScratchFolder.make();
  const said: string[] = [];
  const job = await submitted(scratch.path, said);
  assert.equal(await runBatch(job, "exec sleep 60\n"), 137);
  assert.equal(job.look({ state: "running", word: "RUNNING" }, 0), "submit again");
  const why = "it had not heard from its pipeline for 2 s";
  assert.equal(said.at(-1), `Slurm job 12 ended (${why}); it is submitted again.`);
  for (let count = 2; count <= 20; count++) {
    await job.prepare();
    job.id = "12";
    await Deno.writeTextFile(join(job.folder, FILES.gaveUp), why);
    await Deno.writeTextFile(join(job.folder, FILES.exit), "137");
    const standing = job.look({ state: "running", word: "RUNNING" }, 0);
    assert.equal(standing, count < 20 ? "submit again" : "over");
  }
  const { error } = await job.done as { error: string };
  assert(
    error.startsWith(`Slurm job 12 of train@seed=0 ended (${why}), the last of 20 submissions.`),
  );
});

Deno.test("a job that ended itself is not submitted again once its pipeline wants it no more", async () => {
  await using scratch = await ScratchFolder.make();
  const job = await submitted(scratch.path);
  assert.equal(await runBatch(job, "exec sleep 60\n"), 137);
  job.kill();
  assert.equal(job.look({ state: "running", word: "RUNNING" }, 0), "over");
  assert.deepEqual(await job.done, { status: "stopped" });
});

Deno.test("a job whose scratch another attempt has taken ends itself, also one that comes to a node later", async () => {
  await using scratch = await ScratchFolder.make();
  const job = await submitted(scratch.path);
  const life = setInterval(() => job.showLife(performance.now()), 200);
  const begun = join(scratch.path, "begun");
  const worker = `touch '${begun}'; exec sleep 15\n`;
  const ran = runBatch(job, worker);
  while (!existsSync(begun)) await delay(20);
  await Deno.rename(job.job.scratch, join(scratch.path, "scratch", "key", "other"));
  assert.equal(await ran, 137);
  assert.equal(await runBatch(job, `sleep 5\n${worker}`), 137);
  await Deno.remove(join(scratch.path, "scratch", "key"), { recursive: true });
  assert.equal(await runBatch(job, worker), 137, "it was finished meanwhile");
  clearInterval(life);
  const said = await Deno.readTextFile(join(job.folder, FILES.gaveUp));
  assert.equal(said, "its scratch was taken over\n");
});

Deno.test("a job that can see no scratch at all goes on: its file server is away", async () => {
  await using scratch = await ScratchFolder.make();
  const job = await submitted(scratch.path);
  const life = setInterval(() => job.showLife(performance.now()), 200);
  await Deno.rename(join(scratch.path, "scratch"), join(scratch.path, "away"));
  assert.equal(await runBatch(job, "sleep 3; exit 7\n"), 7);
  clearInterval(life);
});

Deno.test("a job whose folder is gone, or can no longer be written, ends itself all the same", async () => {
  const breaks: Record<string, (folder: string) => Promise<void>> = {
    gone: (folder) => Deno.remove(folder, { recursive: true }),
    // Not by its mode, which root does not heed.
    unwritable: (folder) => Deno.mkdir(join(folder, FILES.gaveUp)),
  };
  for (const [name, breakFolder] of Object.entries(breaks)) {
    await using scratch = await ScratchFolder.make();
    const job = await submitted(scratch.path);
    const ran = runBatch(job, `touch '${scratch.path}/begun'; exec sleep 15\n`);
    while (!existsSync(join(scratch.path, "begun"))) await delay(20);
    await breakFolder(job.folder);
    assert.deepEqual([name, await ran], [name, 137]);
  }
});

Deno.test("a worker that is killed while its pipeline shows life is no word of silence", async () => {
  await using scratch = await ScratchFolder.make();
  const job = await submitted(scratch.path);
  let count = 0;
  const life = setInterval(() => job.showLife(++count), 200);
  assert.equal(await runBatch(job, "sleep 4; kill -KILL $$\n"), 137);
  clearInterval(life);
  assert.equal(job.look({ state: "running", word: "RUNNING" }, 0), "goes on");
  assert.equal(job.look({ state: "ended", word: "FAILED" }, 0), "over");
  const { error } = await job.done as { error: string };
  assert.match(error, /signal 9; Slurm says FAILED/);
});
