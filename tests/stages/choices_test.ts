import assert from "node:assert/strict";
import { readRecipe, recipeNames } from "../../cli/session.ts";
import { InputError } from "../../core/problem.ts";
import { expand } from "../../pipeline/expand.ts";
import { parseRecipe } from "../../pipeline/recipe.ts";
import { stages } from "../../stages/registry.ts";

/** The problems of `tiny` with the inputs of its stage `curve` changed. */
async function problemsOf(changes: Readonly<Record<string, string>>): Promise<string[]> {
  let { text } = readRecipe("tiny")!;
  for (const [before, after] of Object.entries(changes)) {
    assert.ok(text.includes(before), before);
    text = text.replace(before, after);
  }
  try {
    expand(await parseRecipe(text, "tiny.yaml", readRecipe), {
      stages,
      overrides: [],
      recipeFolder: "/nowhere",
      userFolder: "/nowhere",
      lookUp: () => null,
    });
    return [];
  } catch (error) {
    assert.ok(error instanceof InputError, String(error));
    return error.problems.map(({ path, message }) => `${path.replace(/:\d+:/, "")}: ${message}`);
  }
}

const CURVE = "      prompts: world.validationPrompts\n      pairs: validation-tokens\n";

Deno.test("a model is chosen on validation rows in every recipe, and a curve without a choice may see any", async () => {
  assert.ok(recipeNames().includes("tiny"));
  assert.deepEqual(await problemsOf({}), []);
  assert.deepEqual(
    await problemsOf({
      [CURVE]: "      prompts: world.testPrompts\n      pairs: test-tokens\n",
      "inputs: { snapshots: train, curve: curve, tokenizer: world }":
        "inputs: { snapshots: train, curve: other, tokenizer: world }",
      "  stopped:\n": [
        "  other:",
        "    uses: curve",
        "    each: [method, seed]",
        "    inputs:",
        "      snapshots: train",
        "      tokenizer: world",
        CURVE.trimEnd(),
        "      reference: validation-logps",
        "    params: { seed: $seed, threads: 1, maxNewTokens: 16 }",
        "  stopped:\n",
      ].join("\n"),
    }),
    [],
  );
});

Deno.test("early stopping on the prompts of the table is refused before anything runs", async () => {
  const prompts = CURVE.replace("world.validationPrompts", "world.testPrompts");
  assert.deepEqual(await problemsOf({ [CURVE]: prompts }), [
    "tiny.yaml stages.curve.inputs.prompts (curve/dpo@seed=0 and 2 more): Expected rows that " +
    "choose a model not to be those that it is reported on, but found world.testPrompts, which " +
    "evaluate-stopped reports on. Choose on validation rows.",
  ]);
});

Deno.test("pairs are the rows of their prompts, token ids those of their pairs", async () => {
  const pairs = CURVE.replace("validation-tokens", "test-tokens");
  const [problem, ...others] = await problemsOf({ [CURVE]: pairs });
  assert.match(problem, /^tiny\.yaml stages\.curve\.inputs\.pairs .* found world\.testPrompts, /);
  assert.deepEqual(others, []);
});
