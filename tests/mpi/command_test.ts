import assert from "node:assert/strict";
import { join } from "node:path";
import { readSafetensors } from "../../train/models/safetensors.ts";
import { writeSmallModel } from "../cli/small_model.ts";
import { ballast, startBallast } from "../end_to_end/ballast.ts";
import { ScratchFolder } from "../end_to_end/scratch_folder.ts";
import { TOLERANCE, weightDistance } from "../train/parallel/same_weights.ts";
import { ON_LOOPBACK, whyNoMpi } from "./mpi_available.ts";

const why = await whyNoMpi();
const ignore = why !== null;
const note = ignore ? ` (ignored: ${why})` : "";

const train = [
  ...["train", "--model", "folder", "--pairs", "pairs.jsonl", "--loss", "rpo", "--beta", "0.1"],
  ...["--eta", "0.05", "--sft", "sum", "--lr", "1e-4", "--batch-pairs", "2", "--threads", "1"],
  ...["--max-length", "24", "--max-prompt-length", "8"],
];

async function weightsIn(folder: string) {
  return (await readSafetensors(join(folder, "model.safetensors"))).tensors;
}

Deno.test({
  name: `train --processes gives what one process gives, whole and alone in its folder${note}`,
  ignore,
  async fn() {
    await using scratch = await ScratchFolder.make();
    const place = { folder: scratch.path, under: ON_LOOPBACK };
    await writeSmallModel(scratch.path);
    const steps = ["--steps", "5"];
    for (const [out, ...more] of [["one"], ["two", "--processes", "2"]]) {
      const { code, stderr } = await ballast([...train, ...steps, "--out", out, ...more], place);
      assert.equal(code, 0, stderr);
    }
    const [one, two] = ["one", "two"].map((name) => join(scratch.path, name));
    const { name, value } = weightDistance(await weightsIn(two), await weightsIn(one));
    assert(value <= TOLERANCE, `${name}: ${value}`);
    const files = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
    assert.deepEqual(files(two), files(one));
    const lines = (folder: string) =>
      Deno.readTextFileSync(join(folder, "steps.jsonl")).split("\n");
    assert.equal(lines(two).length, lines(one).length);
  },
});

/** Of a training that is stopped on its way. */
const STEPS = 300;

/** The numbers of the processes of a rank whose words name a folder. */
async function processesOf(folder: string, rank: number): Promise<number[]> {
  const script = 'for p in $(pgrep -f "$1/.*job.json"); do ' +
    'tr "\\0" "\\n" <"/proc/$p/environ" 2>/dev/null | grep -qx "PMI_RANK=$2" && echo "$p"; done; true';
  const { stdout } = await new Deno.Command("sh", {
    args: ["-c", script, "sh", folder, String(rank)],
  }).output();
  return new TextDecoder().decode(stdout).split("\n").filter((line) => line !== "").map(Number);
}

/** Starts a training in two processes, and waits until it has taken some steps. */
async function startTraining(folder: string, steps: number): Promise<Deno.ChildProcess> {
  const log = join(folder, "log.ndjson");
  const child = startBallast(
    [...train, "--steps", `${steps}`, "--out", "out", "--processes", "2", "--log", log],
    { folder, under: ON_LOOPBACK },
  );
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    const text = await Deno.readTextFile(log).catch(() => "");
    if (text.split("\n").length > 3) return child;
  }
}

Deno.test({
  name:
    `a rank that is killed ends the training within seconds, by name, and leaves no model${note}`,
  ignore,
  async fn() {
    await using scratch = await ScratchFolder.make();
    await writeSmallModel(scratch.path);
    const child = await startTraining(scratch.path, 100_000);
    const [pid, ...others] = await processesOf(scratch.path, 1);
    assert.deepEqual(others, []);
    const begun = performance.now();
    Deno.kill(pid, "SIGKILL");
    const { code, stderr } = await child.output();
    const seconds = (performance.now() - begun) / 1000;
    const text = new TextDecoder().decode(stderr);
    assert.equal(code, 1, text);
    assert(seconds < 10, `${seconds} s`);
    // MPICH aborts the other one, of which mpiexec may hear first.
    const ended =
      /Rank (1 of 2 has ended: Killed \(signal 9\)|0 of 2 has ended: Aborted \(signal 6\))/;
    assert.match(text, ended);
    assert.match(text, /So have the others\./);
    await assert.rejects(Deno.stat(join(scratch.path, "out")), Deno.errors.NotFound);
    for (const rank of [0, 1]) assert.deepEqual(await processesOf(scratch.path, rank), []);
  },
});

Deno.test({
  name: `Ctrl-C stops all processes at one step; --resume gives the bytes of a whole run${note}`,
  ignore,
  async fn() {
    await using scratch = await ScratchFolder.make();
    await writeSmallModel(scratch.path);
    const child = await startTraining(scratch.path, STEPS);
    child.kill("SIGINT");
    const { code, stderr } = await child.output();
    assert.equal(code, 130, new TextDecoder().decode(stderr));
    for (const rank of [0, 1]) assert.deepEqual(await processesOf(scratch.path, rank), []);
    await assert.rejects(Deno.stat(join(scratch.path, "out")), Deno.errors.NotFound);
    const names = [...Deno.readDirSync(join(scratch.path, ".out.training", "scratch"))]
      .map(({ name }) => /^step-0*(\d+)\./.exec(name)?.[1]);
    const kept = Math.max(...names.map((name) => Number(name ?? 0)));
    const log = (await Deno.readTextFile(join(scratch.path, "log.ndjson"))).trim().split("\n");
    assert.equal(kept, JSON.parse(log.at(-1)!).step, "the state of the last step is kept");
    assert(kept < STEPS);
    const words = [...train, "--steps", `${STEPS}`, "--processes", "2"];
    const place = { folder: scratch.path, under: ON_LOOPBACK };
    for (const more of [["--out", "out", "--resume"], ["--out", "whole"]]) {
      const { code, stderr } = await ballast([...words, ...more], place);
      assert.equal(code, 0, stderr);
    }
    for (const name of ["model.safetensors", "steps.jsonl"]) {
      const [resumed, whole] = ["out", "whole"].map((out) =>
        Deno.readFileSync(join(scratch.path, out, name))
      );
      assert.deepEqual(resumed, whole, name);
    }
  },
});
