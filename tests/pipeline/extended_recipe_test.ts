import assert from "node:assert/strict";
import { InputError } from "../../core/problem.ts";
import { expand } from "../../pipeline/expand.ts";
import { parseRecipe } from "../../pipeline/recipe.ts";
import { toyStages } from "./toy/stages.ts";

const BASE = `recipe: base
describe: Numbers, and their total.
requires: { source.value: a number }
matrix: { seed: [1, 2] }
stages:
  source: { each: [seed], params: { value: $seed } }
  total: { inputs: { numbers: source } }
`;

const MORE = `recipe: more
describe: Also what the total comes to when it is doubled.
extends: base
requires: { doubled.factor: a factor }
set: { source.value: 5 }
stages:
  doubled: { uses: multiply, inputs: { number: total }, params: { factor: 2 } }
`;

async function open(texts: Readonly<Record<string, string>>, name: string) {
  const read = (name: string) =>
    name in texts ? { text: texts[name], path: `recipes/${name}.yaml` } : null;
  const source = await parseRecipe(texts[name], `recipes/${name}.yaml`, read);
  const instances = () =>
    expand(source, {
      stages: toyStages,
      overrides: source.overrides,
      recipeFolder: "/nowhere",
      userFolder: "/nowhere",
      lookUp: () => null,
    });
  return { source, instances };
}

async function problemsOf(
  texts: Readonly<Record<string, string>>,
  name: string,
): Promise<string[]> {
  try {
    (await open(texts, name)).instances();
  } catch (error) {
    assert(error instanceof InputError, String(error));
    assert.match(error.title, new RegExp(`recipes/${name}\\.yaml`));
    return error.problems.map(({ path, message }) => `${path}: ${message}`);
  }
  return [];
}

Deno.test("a recipe that extends another has its stages, its own beside them, and what both require", async () => {
  const { source, instances } = await open({ base: BASE, more: MORE }, "more");
  const made = instances();
  assert.deepEqual(made.map(({ id }) => id), [
    ...["source@seed=1", "source@seed=2", "total", "doubled"],
  ]);
  assert.deepEqual(made[0].params, { value: 5 });
  assert.deepEqual(made[3].inputs.number.map(({ instance }) => instance), ["total"]);
  const { recipe, describe, requires } = source.recipe;
  assert.deepEqual([recipe, describe.slice(0, 4)], ["more", "Also"]);
  assert.deepEqual(requires, { "source.value": "a number", "doubled.factor": "a factor" });
  const third = MORE.replaceAll("doubled", "tripled").replace("recipe: more", "recipe: third")
    .replace("extends: base", "extends: more").replace("number: total", "number: doubled");
  const chained = (await open({ base: BASE, more: MORE, third }, "third")).instances();
  assert.deepEqual(chained.at(-1)!.inputs.number.map(({ instance }) => instance), ["doubled"]);
});

Deno.test("a recipe may add inputs to a stage of the one that it extends, and nothing else", async () => {
  const inputs = `${MORE}  other: { uses: source, params: { value: 7 } }
  total: { inputs: { numbers: [source, other] } }
`;
  const made = (await open({ base: BASE, more: inputs }, "more")).instances();
  const total = made.find(({ id }) => id === "total")!;
  assert.deepEqual(total.inputs.numbers.map(({ instance }) => instance), [
    ...["source@seed=1", "source@seed=2", "other"],
  ]);
  const wrong = `${MORE}  source: { each: [], params: { value: 1 } }\n`;
  assert.deepEqual(await problemsOf({ base: BASE, more: wrong }, "more"), [
    ...["each", "params"].map((key) =>
      `recipes/more.yaml:8: stages.source.${key}: base has the stage source; expected inputs to ` +
      "add alone, and parameters under set."
    ),
  ]);
});

Deno.test("what is wrong is told in the recipe that says it", async () => {
  const more = `${MORE.replace("factor: 2 }", "factr: 2 }")}  total: { inputs: { numbers: sorce } }
`;
  assert.deepEqual(
    (await problemsOf({ base: BASE.replace("uses", "use"), more }, "more")).map((problem) =>
      problem.split(": ").slice(0, 2).join(": ")
    ),
    [
      "recipes/more.yaml:8: stages.total.inputs.numbers",
      "recipes/more.yaml:7: stages.doubled.params.factor",
      "recipes/more.yaml:7: stages.doubled.params.factr",
    ],
  );
  const base = BASE.replace("value: $seed", "valu: $seed");
  assert.deepEqual(
    await problemsOf({ base, more: MORE.replace("set: { source.value: 5 }\n", "") }, "more"),
    [
      "recipes/base.yaml:6: stages.source.params.value (source@seed=1 and 1 more): Missing. Expected a number",
      "recipes/base.yaml:6: stages.source.params.valu (source@seed=1 and 1 more): Unknown key; expected one of value, file.",
    ],
  );
  await assert.rejects(open({ more: MORE }, "more"), {
    message: "recipes/more.yaml:3: extends: There is no recipe base to extend.",
  });
  await assert.rejects(open({ base: BASE, more: `${MORE}matrix: { seed: [1] }\n` }, "more"), {
    message:
      /matrix: Unknown key; expected one of recipe, describe, extends, requires, sweep, set, stages/,
  });
});
