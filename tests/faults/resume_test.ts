import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { Random } from "../../core/random.ts";
import { ScratchFolder } from "../end_to_end/scratch_folder.ts";
import { TextLineStream } from "../../pipeline/text_lines.ts";

const CHILD = fileURLToPath(new URL("resume_child.ts", import.meta.url));
const STEPS = 120;
const KILLS = 20;
const AT_ONCE = 8;

function start(folder: string): Deno.ChildProcess {
  const allow = ["--allow-read", "--allow-write", "--allow-env", "--allow-sys", "--allow-ffi"];
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--frozen", "--no-check", ...allow, CHILD, folder, `${STEPS}`],
    stdout: "piped",
  }).spawn();
}

function linesOf(child: Deno.ChildProcess): ReadableStream<string> {
  return child.stdout.pipeThrough(new TextLineStream());
}

/** Trains to the end; gives the first step that was taken, and the digest of the weights. */
async function trainToEnd(folder: string): Promise<{ first: number; digest: string }> {
  const child = start(folder);
  const lines: string[] = [];
  for await (const line of linesOf(child)) if (line !== "") lines.push(line);
  assert.equal((await child.status).code, 0);
  return { first: Number(lines[0].split(" ")[1]), digest: lines.at(-1)!.split(" ")[1] };
}

/** Kills training as soon as a step was said, wherever it is by then; gives the last step said. */
async function trainAndKill(folder: string, step: number): Promise<number> {
  const child = start(folder);
  let last = 0;
  for await (const line of linesOf(child)) {
    if (!line.startsWith("step ")) continue;
    last = Number(line.split(" ")[1]);
    if (last === step) child.kill("SIGKILL");
  }
  assert.equal((await child.status).signal, "SIGKILL", `killed at step ${step}`);
  return last;
}

Deno.test("kill -9 at any step: training goes on to bit-identical weights, 20 times", async () => {
  await using scratch = await ScratchFolder.make();
  const whole = await trainToEnd(`${scratch.path}/whole`);
  assert.equal(whole.first, 1);
  const random = Random.seeded(4, "kill -9");
  // One in each twentieth of the run, short of its end, which the child might reach first.
  const span = (STEPS - 10) / KILLS;
  const points = Array.from(
    { length: KILLS },
    (_, i) => random.between(1 + Math.floor(i * span), Math.floor((i + 1) * span)),
  );
  const digests: string[] = [];
  const killAndGoOn = async () => {
    for (let step = points.shift(); step !== undefined; step = points.shift()) {
      const folder = `${scratch.path}/killed-at-${step}`;
      const killed = await trainAndKill(folder, step);
      const { first, digest } = await trainToEnd(folder);
      assert.equal((first - 1) % 3, 0, `goes on with step ${first}`);
      assert(first > killed - 3, `goes on with step ${first}, killed at ${killed}`);
      digests.push(digest);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, killAndGoOn));
  assert.deepEqual(digests, Array(KILLS).fill(whole.digest));
});
