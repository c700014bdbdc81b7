import assert from "node:assert/strict";
import { join } from "node:path";
import type { JobResult } from "../../../pipeline/executor.ts";
import { mpiexecWords } from "../../../pipeline/executors/processes.ts";
import { sbatchArguments } from "../../../pipeline/executors/slurm_script.ts";
import { WorkerOutput } from "../../../pipeline/executors/worker_output.ts";
import { encodeLine } from "../../../pipeline/worker_protocol.ts";

/** How a job ended whose processes said and printed these lines. */
function endOf(how: string | null, lines: readonly (Parameters<typeof encodeLine>[0] | string)[]) {
  const output = new WorkerOutput(() => {});
  for (const line of lines) {
    if (typeof line === "string") output.print(line);
    else encodeLine(line).split("\n").forEach((text) => output.read(text));
  }
  return output.end(how);
}

function errorOf(result: JobResult): string {
  assert.equal(result.status, "failed");
  return (result as Extract<JobResult, { status: "failed" }>).error;
}

const KNOWN = [0, 1].map((rank) =>
  ({ type: "process", name: `Rank ${rank} of 2`, pid: 70 + rank }) as const
);

/** What MPICH 4.0.2 prints of a process that was killed. */
const OBITUARY = [
  "=   BAD TERMINATION OF ONE OF YOUR APPLICATION PROCESSES",
  "=   PID 71 RUNNING AT node",
  "=   EXIT CODE: 9",
  "YOUR APPLICATION TERMINATED WITH THE EXIT STRING: Killed (signal 9)",
];

Deno.test("of several processes the one that a signal ended is named", () => {
  const error = errorOf(endOf("exit code 9", [...KNOWN, ...OBITUARY]));
  assert.match(error, /^Rank 1 of 2 has ended: Killed \(signal 9\)\. So have the others\.\n/);
  const unknown = errorOf(endOf("exit code 9", OBITUARY));
  assert.match(unknown, /^The worker ended without a result \(exit code 9\)\./);
});

Deno.test("of several processes the first one's failure counts, else that of whichever failed first", () => {
  const failed = { type: "process-failed", error: "Rank 1 of 2: no file" } as const;
  assert.equal(errorOf(endOf("exit code 1", [...KNOWN, failed])), "Rank 1 of 2: no file");
  const result = { type: "result", result: { status: "failed", error: "not finite" } } as const;
  assert.equal(errorOf(endOf("exit code 1", [...KNOWN, failed, result])), "not finite");
  const done = {
    type: "result",
    result: { status: "done", digests: {}, sizes: {}, peakMemoryBytes: null },
  } as const;
  assert.equal(errorOf(endOf("exit code 1", [...KNOWN, done, failed])), "Rank 1 of 2: no file");
});

Deno.test("mpiexecWords() takes MPICH's program before another of its name", async () => {
  const folder = await Deno.makeTempDir();
  for (const name of ["mpiexec", "mpiexec.mpich"]) {
    await Deno.mkdir(join(folder, "b"), { recursive: true });
    await Deno.writeTextFile(join(folder, "b", name), "");
  }
  await Deno.mkdir(join(folder, "a"));
  await Deno.writeTextFile(join(folder, "a", "mpiexec"), "");
  const path = `${folder}/a:${folder}/b`;
  assert.deepEqual(mpiexecWords(4, "allocated", path), [`${folder}/b/mpiexec.mpich`, "-n", "4"]);
  assert.deepEqual(mpiexecWords(2, "here", path).slice(1, 3), ["-launcher", "fork"]);
  await Deno.remove(folder, { recursive: true });
  assert.throws(() => mpiexecWords(2, "here", path), {
    name: "ExpectedError",
    message: /^Several processes need MPICH, whose mpiexec is not in PATH/,
  });
});

Deno.test("sbatchArguments() asks for a task a process, and its share of the cores", () => {
  const job = { stage: "train", resources: { cores: 8, processes: 4, gpus: 4 } };
  const words = sbatchArguments(job as Parameters<typeof sbatchArguments>[0], []);
  for (const word of ["--ntasks=4", "--cpus-per-task=2", "--gres=gpu:4", "--nodes=1"]) {
    assert(words.includes(word), word);
  }
});
