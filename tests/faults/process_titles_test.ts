import assert from "node:assert/strict";
import { join } from "node:path";
import { RunningBallast } from "../end_to_end/ballast.ts";
import { ScratchFolder } from "../end_to_end/scratch_folder.ts";
import { FakeJudge } from "../eval/judge/fake_judge.ts";
import { longerIsBetter } from "../eval/judge/own_benchmarks.ts";
import { judgedPlace, writeJudgedRecipe } from "./judged_recipe.ts";

const SECRETS: Readonly<Record<string, string>> = {
  JUDGE_API_KEY: "sk-0123456789-title",
  HF_TOKEN: "hf_0123456789_title",
  AWS_SECRET_ACCESS_KEY: "aws-0123456789-title",
};

/** Titles and words of all processes of this machine, as any user can see them. */
async function titles(): Promise<string> {
  // Deno itself may not read these files of other processes.
  const script = "cat /proc/[0-9]*/cmdline /proc/[0-9]*/comm 2>/dev/null | tr '\\0' '\\n'; true";
  const { stdout } = await new Deno.Command("sh", { args: ["-c", script] }).output();
  return new TextDecoder().decode(stdout);
}

Deno.test({
  name: "no secret stands in a title or among the words of a process while a recipe is judged",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using scratch = await ScratchFolder.make();
    await writeJudgedRecipe(scratch.path);
    await using judge = new FakeJudge(longerIsBetter);
    const { environment, ...place } = judgedPlace(scratch.path, judge);
    const args = ["reproduce", "--recipe", "judged.yaml", "--store", join(scratch.path, "store")];
    await using run = new RunningBallast(args, {
      ...place,
      environment: { ...environment, ...SECRETS },
    });
    const seen: string[] = [];
    while (run.running) seen.push(await titles());
    const { code, stderr } = await run.ended;
    assert.equal(code, 0, stderr);
    const asking = seen.filter((text) =>
      text.includes("pipeline/worker.ts") && text.includes("--allow-net=")
    );
    assert(asking.length > 0, "a worker that asks the judge was looked at");
    for (const [name, secret] of Object.entries(SECRETS)) {
      assert(!seen.some((text) => text.includes(secret)), name);
    }
  },
});
