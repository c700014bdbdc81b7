import assert from "node:assert/strict";
import { join } from "node:path";
import { Random } from "../../core/random.ts";
import { ballast, ballastJson, type PlanDocument } from "./ballast.ts";
import { ScratchFolder } from "./scratch_folder.ts";

const SMALL = Object.entries({
  "data.path": "rows",
  "tokenizer.vocabSize": 400,
  "demonstration-tokens.maxLength": 48,
  "demonstration-tokens.maxPromptLength": 24,
  "train-tokens.maxLength": 48,
  "train-tokens.maxPromptLength": 24,
  "test-tokens.maxLength": 48,
  "test-tokens.maxPromptLength": 24,
  "initial.hiddenSize": 32,
  "initial.intermediateSize": 64,
  "initial.layers": 1,
  "reference.epochs": 1,
  "reference.checkpointSteps": 2,
}).flatMap(([path, value]) => ["--set", `${path}=${value}`]);

const SUBJECTS = ["The river", "A careful cook", "My neighbour", "This old clock", "Every bird"];
const VERBS = ["keeps", "forgets", "repairs", "counts", "remembers"];
const OBJECTS = ["the bridge", "seven spoons", "a long story", "what was promised", "the weather"];

/** A split in the dataset's shape and words of our own; no prompt comes twice. */
async function writeSplit(folder: string, split: "train" | "test", rows: number): Promise<void> {
  const random = Random.seeded(1, split);
  const sentence = () => `${random.pick(SUBJECTS)} ${random.pick(VERBS)} ${random.pick(OBJECTS)}.`;
  const lines = Array.from({ length: rows }, (_, i) => {
    const prompt = `Continue ${split} note ${i}: ${sentence()}`;
    const [chosen, rejected] = [`${sentence()} ${sentence()}`, sentence()];
    return `${JSON.stringify({ prompt, chosen, rejected })}\n`;
  });
  await Deno.writeTextFile(join(folder, `${split}_prefs.jsonl`), lines.join(""));
}

Deno.test("the recipe ultrafeedback-small runs every stage on rows of a folder", async () => {
  await using scratch = await ScratchFolder.make();
  const rows = join(scratch.path, "rows");
  await Deno.mkdir(rows);
  await writeSplit(rows, "train", 96);
  await writeSplit(rows, "test", 24);
  const args = ["--recipe", "ultrafeedback-small", ...SMALL, "--store", "store"];
  const place = { folder: scratch.path };
  const { code, stdout, stderr } = await ballast(["reproduce", ...args], place);
  assert.equal(code, 0, stderr);
  for (const system of ["Ref", "SFT on chosen", "DPO", "RPO sum", "RPO sequence_mean"]) {
    assert.match(stdout, new RegExp(`^${system} +[−\\d]`, "m"));
  }
  assert.match(stdout, /n 24/, "every test row is measured");
  const page = await Deno.readTextFile(
    join(scratch.path, "store/reports/ultrafeedback-small/index.html"),
  );
  assert.match(page, /cannot chat/);

  const moved = join(scratch.path, "moved");
  await Deno.rename(rows, moved);
  const plan = await ballastJson<PlanDocument>(
    ["plan", ...args, "--set", "data.path=moved"],
    place,
  );
  const states = new Set(plan.stages.map(({ state }) => state));
  assert.deepEqual(states, new Set(["cached"]), "rows count by their content, not their path");
  await Deno.writeTextFile(join(moved, "test_prefs.jsonl"), "{}\n", { append: true });
  const changed = await ballast(["reproduce", ...args, "--set", "data.path=moved"], place);
  assert.equal(changed.code, 1);
  assert.match(changed.stderr, /test_prefs\.jsonl:25/, "a wrong row is named");
  const attempts = [...Deno.readDirSync(join(scratch.path, "store/tmp"))].map(({ name }) => name);
  assert.deepEqual(attempts, [], "nothing half-written stays");
  assert.equal((await ballast(["verify", "--store", "store"], place)).code, 0);
});
