import assert from "node:assert/strict";
import { join } from "node:path";
import { endLeftJob, NUMBER_FILE } from "../../../pipeline/executors/slurm_left.ts";
import { ScratchFolder } from "../../end_to_end/scratch_folder.ts";
import { openToyPipeline } from "../toy/pipeline.ts";
import { withPrograms } from "./with_programs.ts";

const RECIPE = `
recipe: toy
describe: A toy.
stages:
  source: { params: { value: 3 } }
`;

/** Slurm's commands that write down what they are asked; a job that is cancelled ends at the third look. */
function programsOf(folder: string): Record<string, string> {
  return {
    scancel: `echo "scancel $*" >>'${folder}/asked'`,
    squeue: `echo squeue >>'${folder}/asked'
case $(grep -c squeue '${folder}/asked') in 3) echo '12_3|CANCELLED' ;; *) echo '12_3|RUNNING' ;; esac`,
  };
}

Deno.test("a local run ends the Slurm job that a killed pipeline left at its key, before it starts", async () => {
  await using place = await ScratchFolder.make();
  await using toy = await openToyPipeline();
  const [{ key }] = await toy.plan(RECIPE);
  const scratch = await toy.store.scratchFolder(key!);
  await Deno.writeTextFile(join(scratch, NUMBER_FILE), "12_3");
  await withPrograms(programsOf(place.path), async () => {
    const asked = () => Deno.readTextFileSync(join(place.path, "asked")).trim().split("\n");
    let before: string[] = [];
    const receive = ({ type }: { type: string }) => {
      if (type === "stage-started") before = asked();
    };
    const result = await toy.run(RECIPE, { context: { subscribers: [{ receive }] } });
    assert.deepEqual([result.status, toy.number(result, "source")], ["done", 3]);
    assert.deepEqual(before, Array(3).fill(["scancel 12_3", "squeue"]).flat());
  });
});

Deno.test("endLeftJob() waits no longer than it is told, and not at all without Slurm's commands", async () => {
  await using scratch = await ScratchFolder.make();
  const file = join(scratch.path, NUMBER_FILE);
  await Deno.writeTextFile(file, "12");
  let looks = 0;
  await withPrograms({ scancel: "exit 127" }, () => endLeftJob(scratch.path, () => ++looks < 9));
  assert.equal(looks, 1);
  await withPrograms(
    { scancel: "exit 0", squeue: "echo '12|RUNNING'" },
    () => endLeftJob(scratch.path, () => ++looks < 4),
  );
  assert.equal(looks, 4);
  assert.equal(await Deno.readTextFile(file), "12", "whoever comes next tries again");
});
