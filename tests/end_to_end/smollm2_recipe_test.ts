import assert from "node:assert/strict";
import { join } from "node:path";
import { Random } from "../../core/random.ts";
import { readEvaluation } from "../../eval/evaluation.ts";
import { mean } from "../../eval/stats/moments.ts";
import { writeSmallModel } from "../cli/small_model.ts";
import { ballast, ballastJson, digestsOf, type RunDocument } from "./ballast.ts";
import { ScratchFolder } from "./scratch_folder.ts";

const SMALL = Object.entries({
  "data.path": "rows",
  "base.path": "folder",
  "train-tokens.maxLength": 96,
  "train-tokens.maxPromptLength": 48,
  "test-tokens.maxLength": 96,
  "test-tokens.maxPromptLength": 48,
  "train.batchPairs": 4,
  "train.learningRate": 0.01,
  "generate-reference.maxNewTokens": 6,
  "generate.maxNewTokens": 6,
}).flatMap(([path, value]) => ["--set", `${path}=${value}`]);

const DRAWN = ["generate", "generate-reference"].flatMap((entry) => [
  ...["--set", `${entry}.temperature=1`],
]);

async function writeRows(folder: string): Promise<void> {
  await Deno.mkdir(folder);
  const words = ["black", "knife", "rake", "mango", "coffee"];
  for (const [split, count] of [["train", 16], ["test", 6]] as const) {
    const random = Random.seeded(1, split);
    const lines = Array.from({ length: count }, (_, i) => {
      const [one, other] = [random.pick(words), random.pick(words)];
      const pair = {
        prompt: `${split} ${i}`,
        chosen: `${one} ${other} .`,
        rejected: `well ${one}`,
      };
      return `${JSON.stringify(pair)}\n`;
    });
    await Deno.writeTextFile(join(folder, `${split}_prefs.jsonl`), lines.join(""));
  }
}

Deno.test("the recipe ultrafeedback-smollm2 runs with any model; drawn replies add the KL to its table", async () => {
  await using scratch = await ScratchFolder.make();
  const place = { folder: scratch.path };
  await writeSmallModel(scratch.path);
  await writeRows(join(scratch.path, "rows"));
  const args = ["reproduce", "--recipe", "ultrafeedback-smollm2", "--store", "store", ...SMALL];
  const greedy = await ballast(args, place);
  assert.equal(greedy.code, 0, greedy.stderr);
  assert.match(greedy.stdout, /^RPO sequence_mean +[−\d]/m);
  assert.doesNotMatch(greedy.stdout, /KL to/);
  assert.match(greedy.stderr, /no KL to the reference, .*: these are greedy/);

  const drawn = await ballastJson<RunDocument>([...args, ...DRAWN], place);
  assert.ok(drawn.cached.includes("train/dpo@seed=0"));
  const digests = digestsOf(drawn);
  const klOf = async (id: string) => {
    const digest = digests[`${id}:evaluation`];
    const folder = join(scratch.path, "store/objects", digest.slice(0, 2), digest);
    return (await readEvaluation(folder)).metrics.kl!.values;
  };
  assert.deepEqual(await klOf("measure-reference"), Array(6).fill(0));
  const kl = mean(await klOf("measure/dpo@seed=0"));
  assert.ok(Number.isFinite(kl) && kl !== 0, `${kl}`);
  const { stdout } = await ballast([...args, ...DRAWN], place);
  assert.match(stdout, /KL to/);
  const shown = kl.toFixed(2).replace("-", "−");
  assert.match(stdout, new RegExp(`^DPO .*${shown.replace(".", "\\.")}`, "m"));
});
