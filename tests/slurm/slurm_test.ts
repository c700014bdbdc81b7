import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { RunEvent } from "../../pipeline/events.ts";
import { SlurmExecutor, type SlurmOptions } from "../../pipeline/executors/slurm.ts";
import type { RunResult } from "../../pipeline/run.ts";
import { contract } from "../pipeline/executors/contract.ts";
import { openToyPipeline, type ToyPipeline } from "../pipeline/toy/pipeline.ts";
import {
  type Cluster,
  killNode,
  slurm,
  startCluster,
  startNode,
  stopCluster,
  whyNoCluster,
} from "./cluster.ts";

const PROJECT = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");

function executor(options: Partial<SlurmOptions> = {}): SlurmExecutor {
  const codeFolders = ["core", "pipeline", "tests"];
  return new SlurmExecutor({
    deno: Deno.execPath(),
    projectFolder: PROJECT,
    codeFolders,
    ...options,
  });
}

const recipe = `
recipe: toy
describe: A toy.
matrix: { seed: [0, 1, 2, 3] }
stages:
  source: { each: [seed], params: { value: $seed } }
  count: { uses: trouble, each: [seed], inputs: { number: source }, params: { how: count } }
  multiply: { each: [seed], inputs: { number: source }, params: { factor: 3 } }
  total: { inputs: { numbers: [multiply, count] }, params: {} }
`;

/** Runs the recipe on Slurm; `on` hears of each event as it happens. */
async function runOn(
  toy: ToyPipeline,
  options: Partial<SlurmOptions> = {},
  on: (event: RunEvent) => void = () => {},
): Promise<RunResult> {
  const subscribers = [{ receive: (event: RunEvent) => void (toy.events.push(event), on(event)) }];
  return await toy.run(recipe, { context: { executor: executor(options), subscribers } });
}

function digestsOf(result: RunResult): Record<string, string> {
  return Object.fromEntries(
    [...result.records].map(([id, { outputs }]) => [id, outputs.number.digest]),
  );
}

async function localDigests(): Promise<Record<string, string>> {
  await using toy = await openToyPipeline();
  return digestsOf(await toy.run(recipe));
}

function logOf({ events }: ToyPipeline): string[] {
  return events.flatMap((event) =>
    event.type === "stage-log" ? [`${event.id}: ${event.message}`] : []
  );
}

/** True for the line that says that an instance has begun on a node. */
function isOn(line: string, id: string, node: string): boolean {
  return line.startsWith(`${id}: Slurm job `) && line.endsWith(` on ${node}.`);
}

/** What fails while a run goes on ends the test when it is awaited: at once, its cluster would be left. */
function later<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

/** Runs the recipe in a process that is killed while its jobs go on. */
async function leaveJobs(cluster: Cluster, toy: ToyPipeline): Promise<string[]> {
  const script = new URL("run_child.ts", import.meta.url).pathname;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "-A", script, toy.folder, recipe],
    stdout: "piped",
    env: cluster.environment,
  }).spawn();
  const reader = child.stdout.getReader();
  await reader.read(); // a stage told of its progress
  child.kill("SIGKILL");
  await child.status;
  await reader.cancel();
  return await jobsOf(cluster, "RUNNING");
}

async function jobsOf(cluster: Cluster, states: string): Promise<string[]> {
  const shown = await slurm(cluster, "squeue", ["-r", "-h", "-t", states, "-o", "%i"]);
  return shown.split("\n").filter((line) => line !== "");
}

/** What is checked on a cluster that runs. */
const checks: Record<string, (cluster: Cluster) => Promise<void>> = {
  "a recipe gives the digests that it gives on this machine; seeds go as arrays": async () => {
    await using toy = await openToyPipeline();
    const result = await runOn(toy);
    assert.deepEqual([result.status, result.failed], ["done", []]);
    assert.deepEqual(digestsOf(result), await localDigests());
    const places = logOf(toy).filter((line) => line.startsWith("source"));
    assert.equal(places.length, 4);
    for (const line of places) assert.match(line, /^source@seed=\d: Slurm job \d+_[0-3] on \S+\.$/);
    assert.equal(new Set(places.map((line) => / (\d+)_/.exec(line)![1])).size, 1, "one array");
    for (const { seconds, host } of result.records.values()) {
      assert(seconds < 30);
      assert.match(host.isa, /^(x86_64|aarch64) /);
    }
    assert.deepEqual([...Deno.readDirSync(toy.store.folder("scratch"))], []);
    assert.deepEqual([...Deno.readDirSync(toy.store.folder("tmp"))], []);
  },

  "a node that goes down in mid-job: its jobs go on from their scratch on the other node": async (
    cluster,
  ) => {
    await using toy = await openToyPipeline();
    const [node, other] = cluster.nodes;
    let down: Promise<unknown> | null = null;
    const result = await runOn(toy, {}, (event) => {
      if (event.type !== "stage-progress" || event.progress.done < 5 || down !== null) return;
      if (!logOf(toy).some((line) => isOn(line, event.id, node))) return;
      const update = ["update", `NodeName=${node}`, "State=DOWN", "Reason=test"];
      down = later(killNode(cluster, node).then(() => slurm(cluster, "scontrol", update)));
    });
    await down;
    await startNode(cluster, node);
    assert.deepEqual([result.status, result.failed], ["done", []]);
    const log = logOf(toy);
    const failed = log.map((line) =>
      /^(\S+): .* ended \(NODE_FAIL\); it is submitted again/.exec(line)
    )
      .filter((found) => found !== null).map(([, id]) => id);
    assert(failed.length > 0, log.join("\n"));
    for (const id of failed) assert(log.some((line) => isOn(line, id, other)), log.join("\n"));
    const counts = toy.events.flatMap((event) =>
      event.type === "stage-progress" ? [`${event.id} ${event.progress.done}`] : []
    );
    // Each count was told at most twice over: what was in scratch was not done again.
    assert(counts.length < 4 * 60, `${counts.length}`);
    assert.deepEqual(digestsOf(result), await localDigests());
  },

  "a job whose time limit is over is told as such, with its stage and what gives it more": async (
    cluster,
  ) => {
    await using toy = await openToyPipeline();
    let shortened: Promise<string> | null = null;
    const hang = `
recipe: toy
describe: A toy.
stages:
  source: { params: { value: 1 } }
  mischief: { inputs: { number: source }, params: { how: spin } }
`;
    const receive = (event: RunEvent) => {
      if (event.type !== "stage-log" || event.id !== "mischief") return;
      const id = /Slurm job (\S+) on/.exec(event.message)?.[1];
      // Not "now": a time that is past when Slurm reads it is refused.
      const end = id === undefined ? [] : ["update", `JobId=${id}`, "EndTime=now+5"];
      if (id !== undefined) shortened = later(slurm(cluster, "scontrol", end));
    };
    const result = await toy.run(hang, {
      context: { executor: executor(), subscribers: [{ receive }] },
    });
    await shortened;
    assert.deepEqual(result.failed.map(({ id }) => id), ["mischief"]);
    assert.match(
      result.failed[0].error,
      /Slurm says TIMEOUT: the time limit of mischief was over .* --slurm-arg=--time=HOURS:00:00/s,
    );
  },

  "a GPU that the cluster does not have is refused, with all that the job asked for": async () => {
    await using toy = await openToyPipeline();
    const result = await runOn(toy, { args: ["--gres=gpu:1"] });
    assert.equal(result.failed.length, 4);
    assert.match(
      result.failed[0].error,
      /^Slurm did not take the job, which asks for --nodes=1 --ntasks=1 --cpus-per-task=1 --mem=336M --gres=gpu:1: .*gres/s,
    );
  },

  "a pipeline that is killed leaves jobs, which end themselves when the next one takes their keys":
    async (
      cluster,
    ) => {
      for (const next of ["slurm", "local"]) {
        await using toy = await openToyPipeline();
        const left = await leaveJobs(cluster, toy);
        assert(left.length > 0, "its jobs go on");
        const result = next === "slurm" ? await runOn(toy) : await toy.run(recipe);
        assert.deepEqual([next, result.status, result.failed], [next, "done", []]);
        assert.deepEqual(digestsOf(result), await localDigests());
        // Well before they would for its silence.
        const ending = Date.now() + 30_000;
        while ((await jobsOf(cluster, "PENDING,RUNNING,COMPLETING")).length > 0) {
          assert(Date.now() < ending, `${next}: they go on`);
          await new Promise((resolve) => setTimeout(resolve, 500));
        }
      }
    },

  "a job that somebody cancels, or that Slurm does not take, is told in Slurm's words": async (
    cluster,
  ) => {
    await using toy = await openToyPipeline();
    let cancelled: Promise<string> | null = null;
    const result = await runOn(toy, {}, (event) => {
      if (event.type !== "stage-log" || !event.id.startsWith("count@seed=0")) return;
      const id = /Slurm job (\S+) on/.exec(event.message)?.[1];
      if (id !== undefined) cancelled = later(slurm(cluster, "scancel", [id]));
    });
    await cancelled;
    const errors = new Map(result.failed.map(({ id, error }) => [id, error]));
    assert.deepEqual([...errors.keys()], ["count@seed=0"]);
    assert.match(errors.get("count@seed=0")!, /CANCELLED|signal/);
    await using other = await openToyPipeline();
    const refused = await runOn(other, { partition: "nowhere" });
    assert.equal(refused.failed.length, 4);
    assert.match(
      refused.failed[0].error,
      /^Slurm did not take the job, which asks for .*--partition=nowhere: .*invalid partition/s,
    );
  },

  "resources are those that the stage declares, and what a person adds comes last": async (
    cluster,
  ) => {
    await using toy = await openToyPipeline();
    let asked: Promise<string> | null = null;
    const options = { partition: "other", args: ["--comment=a b", "--time=5"] };
    await runOn(toy, options, (event) => {
      const id = event.type === "stage-log" && /Slurm job (\S+) on/.exec(event.message)?.[1];
      if (id && event.id.startsWith("count")) {
        asked ??= later(slurm(cluster, "scontrol", ["show", "job", id]));
      }
    });
    const shown = await asked!;
    assert.match(shown, /Partition=other/);
    assert.match(shown, /Comment=a b/);
    assert.match(shown, /TimeLimit=00:05:00/);
    assert.match(shown, /NumCPUs=1 .*CPUs\/Task=1/);
    assert.match(shown, new RegExp(`MinMemoryNode=${64 * 1.25 + 256}M`));
    assert.match(shown, /Requeue=0/);
  },

  "Ctrl-C cancels what waits and stops what runs; the next run goes on": async (cluster) => {
    await using toy = await openToyPipeline();
    const stop = new AbortController();
    const subscribers = [{
      receive: (event: RunEvent) => {
        if (event.type === "stage-progress" && event.progress.done === 3) stop.abort();
      },
    }];
    const context = { executor: executor(), subscribers, stop: stop.signal };
    const result = await toy.run(recipe, { context });
    assert.equal(result.status, "interrupted");
    const left = await slurm(cluster, "squeue", ["-h", "-t", "PENDING,RUNNING", "-o", "%i"]);
    assert.equal(left, "");
    assert.deepEqual(digestsOf(await runOn(toy)), await localDigests());
  },
};

const reason = await whyNoCluster();

Deno.test({
  name: `the executor slurm${reason === null ? "" : ` (ignored: ${reason})`}`,
  ignore: reason !== null,
  async fn(t) {
    const folder = await Deno.makeTempDir({ prefix: "ballast-slurm-" });
    const cluster = await startCluster(join(folder, "cluster"));
    for (const [name, value] of Object.entries(cluster.environment)) Deno.env.set(name, value);
    try {
      for (const [name, check] of Object.entries(contract)) {
        await t.step(name, () => check(executor()));
      }
      for (const [name, check] of Object.entries(checks)) await t.step(name, () => check(cluster));
    } finally {
      await stopCluster(cluster);
      await Deno.remove(folder, { recursive: true });
    }
  },
});
