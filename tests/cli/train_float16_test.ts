import assert from "node:assert/strict";
import { join } from "node:path";
import { writePairs } from "../../data/pairs_file.ts";
import { tokenizePairs } from "../../data/tokenize_pairs.ts";
import train from "../../stages/train.ts";
import { ballast } from "../end_to_end/ballast.ts";
import { ScratchFolder } from "../end_to_end/scratch_folder.ts";
import { runStage, temporaryFolder } from "../stages/run_stage.ts";
import { PAIRS, writeSmallModel } from "./small_model.ts";

/** Makes gradients at the first loss scales larger than float16 holds. */
const ETA = 300;

interface Row {
  readonly gradNorm: number | null;
  readonly lossScale: number;
  readonly skippedSteps: number;
}

Deno.test("train in float16 says how many steps were skipped, and fails where all were", async (t) => {
  await using scratch = await ScratchFolder.make();
  await writeSmallModel(scratch.path);
  const run = (steps: number, ...more: string[]) =>
    ballast([
      ...["train", "--model", "folder", "--pairs", "pairs.jsonl", "--max-length", "64"],
      ...["--max-prompt-length", "32", "--loss", "rpo", "--beta", "0.1", "--eta", `${ETA}`],
      ...["--sft", "sum", "--lr", "1e-3", "--batch-pairs", "2", "--threads", "1"],
      ...["--precision", "float16", "--steps", `${steps}`, ...more],
    ], { folder: scratch.path });

  await t.step("in a warning, and in each step's row", async () => {
    const { code, stdout, stderr } = await run(12, "--out", "trained", "--json");
    assert.equal(code, 0, stderr);
    const { steps } = JSON.parse(stdout) as { steps: Row[] };
    const skipped = steps.filter(({ gradNorm }) => gradNorm === null).length;
    assert(skipped > 1 && skipped < 12, `${skipped}`);
    assert.deepEqual(steps.map(({ skippedSteps }) => skippedSteps).slice(0, 3), [1, 2, 3]);
    assert.equal(steps.at(-1)!.skippedSteps, skipped);
    assert.equal(steps[1].lossScale, 32768);
    assert(stderr.includes(`${skipped} of 12 steps in float16 changed nothing`), stderr);
  });

  await t.step("in the table's columns", async () => {
    const { code, stdout, stderr } = await run(12, "--out", "table");
    assert.equal(code, 0, stderr);
    const [head, first] = stdout.split("\n").map((line) => line.split("\t"));
    assert.deepEqual(head.slice(-2), ["lossScale", "skippedSteps"]);
    assert.deepEqual(first.slice(-2), ["65536", "1"]);
  });

  await t.step("where none was taken nothing is written", async () => {
    const { code, stdout, stderr } = await run(2, "--out", "nothing", "--json");
    assert.notEqual(code, 0);
    assert.equal(stdout, "");
    assert.match(
      stderr,
      /Training left the model as it was: 2 of 2 steps in float16 .*bfloat16 or float32/,
    );
    await assert.rejects(Deno.stat(join(scratch.path, "nothing")), Deno.errors.NotFound);
  });
});

Deno.test("the stage train in float16 warns of skipped steps, and fails where all were", async () => {
  const root = await temporaryFolder();
  await writeSmallModel(root);
  const [pairs, tokens] = [`${root}/pairs`, `${root}/tokens`];
  for (const folder of [pairs, tokens]) await Deno.mkdir(folder);
  await writePairs(pairs, PAIRS.map((pair, i) => ({ id: `train:${i}`, ...pair })));
  const model = `${root}/folder`;
  const lengths = { maxLength: 64, maxPromptLength: 32 };
  await tokenizePairs({ pairs, tokenizer: model, folder: tokens, ...lengths });
  const run = async (more: Record<string, unknown>) =>
    await runStage(train, {
      ...{ loss: "rpo", beta: 0.1, eta: ETA, sft: "sum", learningRate: 1e-3, steps: 12 },
      ...{ schedule: "constant", batchPairs: 2, seed: 0, threads: 1, precision: "float16" },
      ...more,
    }, { model, tokens });
  const { warnings } = await run({});
  assert.match(
    warnings.join(),
    /^\d+ of 12 steps in float16 changed nothing, since .*65536 at first/,
  );
  assert.deepEqual((await run({ eta: 1e-3 })).warnings, []);
  assert.deepEqual((await run({ precision: undefined })).warnings, []);
  await assert.rejects(run({ steps: 2 }), /Training left the model as it was: 2 of 2 steps/);
});
