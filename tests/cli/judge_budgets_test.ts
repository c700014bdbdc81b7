import assert from "node:assert/strict";
import { checkJudgeBudgets } from "../../cli/judge_budgets.ts";
import { readRecipe } from "../../cli/session.ts";
import { expand } from "../../pipeline/expand.ts";
import { parseOverrides } from "../../pipeline/overrides.ts";
import { parseRecipe } from "../../pipeline/recipe.ts";
import { stages } from "../../stages/registry.ts";

const JUDGED = "ultrafeedback-smollm2-judged";
const FILES = [
  ...["data.path=rows", "base.path=model.gguf"],
  ...["judge.template=prompts.jsonl", "judge-over-dpo.template=prompts.jsonl"],
];
const LIMITED = ["prices={input: 10, output: 30}", "budget={dollars: 10}"];

async function check(set: readonly string[]): Promise<void> {
  const { text, path } = readRecipe(JUDGED)!;
  const source = await parseRecipe(text, path, readRecipe);
  const instances = expand(source, {
    stages,
    overrides: [...source.overrides, ...await parseOverrides([...FILES, ...set])],
    recipeFolder: "/nowhere",
    userFolder: "/nowhere",
    lookUp: (path) => /\.(gguf|jsonl)$/.test(path) ? "file" : "folder",
  });
  checkJudgeBudgets(instances, source);
}

Deno.test("a budget in dollars must be one of all judges that are asked", async () => {
  const both = ["judge", "judge-over-dpo"].flatMap((entry) =>
    LIMITED.map((value) => `${entry}.${value}`)
  );
  await check([]);
  await check(both);
  await assert.rejects(check(both.slice(0, 2)), {
    name: "InputError",
    message:
      /stages\.judge-over-dpo\.params\.budget: Expected a budget in dollars, with prices, since judge has one \(10\)/,
  });
  // Prices alone do not limit it.
  await assert.rejects(check(both.slice(0, 3)), /stages\.judge-over-dpo\.params\.budget/);
});
