import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { SlurmJob } from "../../../pipeline/executors/slurm_job.ts";
import { batchScript, FILES } from "../../../pipeline/executors/slurm_script.ts";
import type { StageJob } from "../../../pipeline/executor.ts";
import { ScratchFolder } from "../../end_to_end/scratch_folder.ts";

async function submitted(folder: string): Promise<SlurmJob> {
  const [attempt, scratch] = [join(folder, "attempt"), join(folder, "scratch")];
  for (const path of [attempt, scratch, join(attempt, "out")]) await Deno.mkdir(path);
  const job: StageJob = {
    ...{ id: "train@seed=0", run: "0001", stage: "train", module: "file:///x.ts" },
    ...{ artifactTypes: "file:///y.ts", params: {}, inputs: {}, attempt, scratch },
    ...{ outputs: { out: { type: "model", folder: join(attempt, "out") } }, caches: {} },
    ...{ paths: [], resources: { cores: 1 } },
  };
  const started = new SlurmJob(job, () => {}, {
    ...{ deno: Deno.execPath(), projectFolder: folder, codeFolders: [] },
  });
  await started.prepare();
  await started.submitted("12");
  return started;
}

/** Runs the batch script as a node would, with a worker of its own; gives the exit code. */
async function runBatch(job: SlurmJob, worker: string): Promise<number> {
  await Deno.writeTextFile(join(job.folder, FILES.worker), worker);
  const script = `${job.folder}.script`;
  await Deno.writeTextFile(script, batchScript([job.folder], 2));
  return (await new Deno.Command("sh", { args: [script] }).output()).code;
}

Deno.test("a job that ends itself because its pipeline was silent is told as such, with what to do", async () => {
  await using scratch = await ScratchFolder.make();
  const job = await submitted(scratch.path);
  assert.equal(await runBatch(job, "exec sleep 60\n"), 137);
  assert.equal(job.look({ state: "running", word: "RUNNING" }, 0), "over");
  assert.deepEqual(await job.done, {
    status: "failed",
    error: "Slurm job 12 of train@seed=0 ended itself, since it had not heard from this pipeline " +
      "for 120 s. Run it again: it is submitted anew, and goes on from what it kept.",
  });
});

Deno.test("a job whose folder is gone, or can no longer be written, ends itself all the same", async () => {
  const breaks: Record<string, (folder: string) => Promise<void>> = {
    gone: (folder) => Deno.remove(folder, { recursive: true }),
    // Not by its mode, which root does not heed.
    unwritable: (folder) => Deno.mkdir(join(folder, FILES.silent)),
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
