import assert from "node:assert/strict";
import { join } from "node:path";
import { writeSmallModel } from "../cli/small_model.ts";
import { ballast, ballastJson } from "./ballast.ts";
import { writeSplit } from "./own_pairs.ts";
import { ScratchFolder } from "./scratch_folder.ts";

const RECIPE = `recipe: judged
describe: A model that a judge is asked about.
stages:
  data: { uses: read-pairs, params: { path: rows } }
  model: { uses: base-model, params: { path: folder } }
  replies:
    uses: generate
    inputs: { policy: model.model, pairs: data.test }
    params: { maxNewTokens: 4, threads: 1 }
  judge:
    inputs: { replies: replies }
    params: { system: small, rule: choice, template: pair.txt, maxTokens: 16, coverage: 1 }
`;

Deno.test("a model of a judged recipe is exported where no judge is named, since exporting asks none", async () => {
  await using scratch = await ScratchFolder.make();
  const place = { folder: scratch.path };
  await writeSmallModel(scratch.path);
  await Deno.mkdir(join(scratch.path, "rows"));
  for (const split of ["train", "test"]) {
    await writeSplit(join(scratch.path, "rows"), split as "train" | "test", 4);
  }
  await Deno.writeTextFile(
    join(scratch.path, "pair.txt"),
    "<|im_start|>user\n{question}\n{answer_a}\n{answer_b}\n<|im_end|>\n",
  );
  await Deno.writeTextFile(join(scratch.path, "judged.yaml"), RECIPE);
  const given = ["--recipe", "judged.yaml", "--store", "store"];
  await ballastJson(["run", "model", ...given], place);
  const { files } = await ballastJson<{ files: string[] }>(
    ["export", "model", ...given, "--out", "out"],
    place,
  );
  assert.ok(files.includes("model.safetensors"));
  const judged = await ballast(["plan", ...given], place);
  assert.equal(judged.code, 2);
  assert.match(judged.stderr, /judge\.params\.model: Missing\. Expected the judge's name/);
});
