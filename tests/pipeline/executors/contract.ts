import assert from "node:assert/strict";
import { join } from "node:path";
import type { Json } from "../../../core/json.ts";
import type { Executor, StageJob, WorkerMessage } from "../../../pipeline/executor.ts";
import type { Stage } from "../../../pipeline/stage.ts";
import { toyStages } from "../toy/stages.ts";

/** A folder for jobs over the toy stages. */
class Jobs implements AsyncDisposable {
  #count = 0;

  private constructor(readonly folder: string) {}

  static async make(): Promise<Jobs> {
    return new Jobs(await Deno.makeTempDir({ prefix: "ballast-executor-" }));
  }

  /** A job of a stage without inputs; with the `scratch` of an earlier one it resumes that. */
  async make(name: string, params: Json, scratch?: string): Promise<StageJob> {
    const stage = toyStages.get(name) as Stage;
    const attempt = join(this.folder, `attempt ${this.#count++} 'quoted'`);
    const folder = join(attempt, "number");
    await Deno.mkdir(folder, { recursive: true });
    const kept = scratch ?? `${attempt}.scratch`;
    await Deno.mkdir(kept, { recursive: true });
    return {
      run: "0001",
      id: name,
      stage: name,
      module: stage.module,
      artifactTypes: new URL("../toy/artifact_types.ts", import.meta.url).href,
      params,
      inputs: {},
      outputs: { number: { type: "number", folder } },
      scratch: kept,
      attempt,
      caches: {},
      paths: [],
      resources: stage.resources(params),
      memory: 256,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

async function numberOf(job: StageJob): Promise<number> {
  return Number(await Deno.readTextFile(join(job.outputs.number.folder, "number.json")));
}

/** Counts that a job has told of. */
function countsOf(messages: readonly WorkerMessage[]): number[] {
  return messages.flatMap((one) => one.type === "progress" ? [one.progress.done] : []);
}

/** Starts a count and waits until it has come so far. */
async function countTo(count: number, executor: Executor, job: StageJob) {
  const messages: WorkerMessage[] = [];
  const far = Promise.withResolvers<void>();
  const running = executor.start(job, (message) => {
    messages.push(message);
    if ((countsOf(messages).at(-1) ?? 0) >= count) far.resolve();
  });
  await Promise.race([far.promise, running.done]);
  return { running, messages };
}

const COUNT = { how: "count" };

/** What holds of every executor: one suite, as many tests as it is given executors. */
export const contract: Readonly<Record<string, (executor: Executor) => Promise<void>>> = {
  "runs a job, tells of its progress in order, and gives its outputs' digests": async (
    executor,
  ) => {
    await using jobs = await Jobs.make();
    const job = await jobs.make("trouble", COUNT);
    const { running, messages } = await countTo(40, executor, job);
    const result = await running.done;
    assert(result.status === "done", JSON.stringify(result));
    assert.deepEqual(countsOf(messages), Array.from({ length: 40 }, (_, i) => i + 1));
    assert.equal(await numberOf(job), 40);
    assert.match(result.digests.number, /^[0-9a-f]{64}$/);
    assert.deepEqual(result.sizes.number, { digits: 2 });
    assert(result.peakMemoryBytes! > 1e6);
  },

  "runs jobs that are alike at once, each to its own result": async (executor) => {
    await using jobs = await Jobs.make();
    const values = [3, 1, 4, 1, 5];
    const made = await Promise.all(values.map((value) => jobs.make("source", { value })));
    const results = await Promise.all(made.map((job) => executor.start(job, () => {}).done));
    assert.deepEqual(results.map(({ status }) => status), values.map(() => "done"));
    assert.deepEqual(await Promise.all(made.map(numberOf)), values);
  },

  "tells how a job failed, with what it printed last": async (executor) => {
    await using jobs = await Jobs.make();
    const fail = async (how: string) => {
      const result = await executor.start(await jobs.make("trouble", { how }), () => {}).done;
      assert(result.status === "failed", how);
      return result.error;
    };
    const [thrown, crashed, nothing] = await Promise.all(["throw", "crash", "nothing"].map(fail));
    assert.match(thrown, /^TypeError: it threw\n +at /);
    assert.match(crashed, /^The worker ended without a result \(exit code 7.*\)\.$/);
    assert.match(nothing, /trouble wrote nothing to its output number\./);
  },

  "is not misled by what a library prints": async (executor) => {
    await using jobs = await Jobs.make();
    const job = await jobs.make("trouble", { how: "chat" });
    assert.equal((await executor.start(job, () => {}).done).status, "done");
  },

  "gives a worker the permissions of its job alone": async (executor) => {
    await using jobs = await Jobs.make();
    const job = await jobs.make("trouble", { how: "escape" });
    const result = await executor.start(job, () => {}).done;
    assert(result.status === "failed");
    assert.match(result.error, /not among its permissions/);
  },

  "gives a worker the variables that its stage declares, and no other secret": async (executor) => {
    await using jobs = await Jobs.make();
    const variables = ["BALLAST_TEST_DECLARED", "BALLAST_TEST_OTHER"];
    for (const name of variables) Deno.env.set(name, "a secret, with a comma");
    try {
      const declares = variables.slice(0, 1);
      const job = await jobs.make("environment", { variables, declares });
      const result = await executor.start(job, () => {}).done;
      assert.equal(result.status, "done", JSON.stringify(result));
      assert.equal(await numberOf(job), 1);
    } finally {
      for (const name of variables) Deno.env.delete(name);
    }
  },

  "stop() lets a job save what it can, and it goes on from there": async (executor) => {
    await using jobs = await Jobs.make();
    const job = await jobs.make("trouble", COUNT);
    const { running } = await countTo(3, executor, job);
    running.stop();
    assert.deepEqual(await running.done, { status: "stopped" });
    const again = await jobs.make("trouble", COUNT, job.scratch);
    const { running: second, messages } = await countTo(40, executor, again);
    assert.equal((await second.done).status, "done");
    assert(countsOf(messages)[0] > 3, `${countsOf(messages)[0]}`);
    assert.equal(await numberOf(again), 40);
  },

  "kill() ends a job": async (executor) => {
    await using jobs = await Jobs.make();
    const { running } = await countTo(2, executor, await jobs.make("trouble", COUNT));
    running.kill();
    assert.deepEqual(await running.done, { status: "stopped" });
  },

  "stop() before a job has begun ends it": async (executor) => {
    await using jobs = await Jobs.make();
    const running = executor.start(await jobs.make("trouble", COUNT), () => {});
    running.stop();
    assert.deepEqual(await running.done, { status: "stopped" });
  },

  "ends a job whose listener throws, and passes the error on": async (executor) => {
    await using jobs = await Jobs.make();
    const job = await jobs.make("trouble", COUNT);
    const running = executor.start(job, (message) => {
      if (message.type === "progress") throw new RangeError("unheard");
    });
    await assert.rejects(running.done, { message: "unheard" });
  },
};
