import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { readNames } from "../../../pipeline/store/walk_sharded.ts";
import { ScratchFolder } from "../../end_to_end/scratch_folder.ts";
import { openToyPipeline } from "../toy/pipeline.ts";
import { withPrograms } from "./with_programs.ts";

const RECIPE = `
recipe: toy
describe: A toy.
stages:
  source: { params: { value: 3 } }
`;

Deno.test("a run starts none of Slurm's commands for what a stage wrote into its scratch", async () => {
  await using place = await ScratchFolder.make();
  await using toy = await openToyPipeline();
  const [{ key }] = await toy.plan(RECIPE);
  const scratch = await toy.store.takeScratch(key!);
  // Where numbers of jobs were kept once.
  for (const folder of [scratch, dirname(scratch)]) {
    await Deno.writeTextFile(join(folder, ".slurm-job"), "424242");
  }
  const asked = `touch '${place.path}/asked'`;
  await withPrograms({ scancel: asked, squeue: asked, sacct: asked }, async () => {
    const result = await toy.run(RECIPE);
    assert.deepEqual([result.status, toy.number(result, "source")], ["done", 3]);
  });
  assert.deepEqual(readNames(place.path), []);
});
