import assert from "node:assert/strict";
import { join } from "node:path";
import { ballast, ballastJson, type PlanDocument } from "./ballast.ts";
import { writeSplit } from "./own_pairs.ts";
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
