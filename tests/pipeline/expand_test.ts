import assert from "node:assert/strict";
import { InputError } from "../../core/problem.ts";
import { openToyPipeline } from "./toy/pipeline.ts";

async function problemsOf(recipe: string, set: string[] = []): Promise<string[]> {
  await using toy = await openToyPipeline();
  try {
    await toy.plan(recipe, { set });
  } catch (error) {
    assert.ok(error instanceof InputError, String(error));
    assert.equal(toy.store.exists(), false, "a wrong recipe must write nothing");
    return error.problems.map(({ path, message, nearest }) =>
      `${path}: ${message.replaceAll(toy.folder, "FOLDER")}${
        nearest === undefined ? "" : ` [${nearest}]`
      }`
    );
  }
  return [];
}

Deno.test("a wrong recipe is told all its problems at once, each with line, path and nearest choice", async () => {
  const problems = await problemsOf(`
recipe: toy
describe: wrong in many ways
matrix:
  seed: [1, 2]
stages:
  source:
    each: [sead]
    params: { value: one, file: missing.txt }
  multiply:
    inputs: { number: sorce }
    params: { factr: 2, mode: round }
  total:
    uses: totl
`);
  assert.deepEqual(problems, [
    "toy.yaml:14: stages.total.uses: There is no stage totl; expected one of source, multiply, total, trouble. [total]",
    "toy.yaml:8: stages.source.each: The matrix has no axis sead; expected one of seed. [seed]",
    "toy.yaml:11: stages.multiply.inputs.number: The recipe has no stage sorce; expected one of source, multiply, total. [source]",
    "toy.yaml:9: stages.source.params.file: Expected a file at FOLDER/missing.txt but found nothing.",
    'toy.yaml:9: stages.source.params.value: Expected a number but found "one".',
    "toy.yaml:12: stages.multiply.params.factor: Missing. Expected a number.",
    'toy.yaml:12: stages.multiply.params.mode: Expected one of exact, rounded but found "round". [rounded]',
    "toy.yaml:12: stages.multiply.params.factr: Unknown key; expected one of factor, modulo, mode. [factor]",
  ]);
});

Deno.test("stages that form a cycle are named in order", async () => {
  const problems = await problemsOf(`
recipe: toy
describe: a cycle
stages:
  first: { uses: multiply, inputs: { number: third }, params: { factor: 1 } }
  second: { uses: multiply, inputs: { number: first }, params: { factor: 1 } }
  third: { uses: multiply, inputs: { number: second }, params: { factor: 1 } }
`);
  assert.deepEqual(problems, [
    "toy.yaml:5: stages.first: The stages form a cycle: first → second → third → first.",
  ]);
});

Deno.test("a wrong form of the recipe is told together with what else is wrong in it", async () => {
  const problems = await problemsOf(`
recipe: toy
describe: typos
stges: {}
stages:
  source: { param: { value: 1 } }
  total: { each: seed, inputs: { numbers: sorce } }
`);
  assert.deepEqual(problems, [
    "toy.yaml:6: stages.source.param: Unknown key; expected one of uses, each, only, inputs, params. [params]",
    'toy.yaml:7: stages.total.each: Expected an array but found "seed".',
    "toy.yaml:4: stges: Unknown key; expected one of recipe, describe, requires, matrix, stages. [stages]",
    "toy.yaml:7: stages.total.inputs.numbers: The recipe has no stage sorce; expected one of source, total. [source]",
  ]);
});

Deno.test("an input that fits several instances asks for a narrower one", async () => {
  const problems = await problemsOf(`
recipe: toy
describe: too many
matrix: { seed: [1, 2] }
stages:
  source: { each: [seed], params: { value: $seed } }
  multiply: { inputs: { number: source }, params: { factor: 2 } }
`);
  assert.deepEqual(problems, [
    'toy.yaml:7: stages.multiply.inputs.number: 2 instances for multiply (source@seed=1, source@seed=2); expected one: expand over the same axes or narrow it with "where".',
  ]);
});

Deno.test("a narrowed input takes the instances that fit", async () => {
  await using toy = await openToyPipeline();
  const planned = await toy.plan(`
recipe: toy
describe: narrowed
matrix: { seed: [1, 2, 3] }
stages:
  source: { each: [seed], params: { value: $seed } }
  multiply: { inputs: { number: { from: source, where: { seed: 2 } } }, params: { factor: 2 } }
  total: { inputs: { numbers: { from: source, where: { seed: [1, 3] } } } }
`);
  const inputs = (id: string) =>
    Object.values(planned.find(({ instance }) => instance.id === id)!.instance.inputs).flat()
      .map(({ instance }) => instance);
  assert.deepEqual(inputs("multiply"), ["source@seed=2"]);
  assert.deepEqual(inputs("total"), ["source@seed=1", "source@seed=3"]);
});

Deno.test("--set changes an included parameter only where the record has it", async () => {
  await using toy = await openToyPipeline();
  const planned = await toy.plan(
    `
recipe: toy
describe: included
matrix:
  method:
    plain: { factor: 2 }
    wrapped: { factor: 3, modulo: 5 }
stages:
  source: { params: { value: 1 } }
  multiply: { each: [method], inputs: { number: source }, params: { $include: method } }
`,
    { set: ["multiply.modulo=7"] },
  );
  assert.deepEqual(planned.slice(1).map(({ instance }) => instance.params), [
    { factor: 2 },
    { factor: 3, modulo: 7 },
  ]);
});

Deno.test("--set names what the recipe does not have", async () => {
  const recipe = `
recipe: toy
describe: plain
matrix: { seed: [1] }
stages:
  source: { each: [seed], params: { value: 1 } }
`;
  assert.deepEqual(await problemsOf(recipe, ["matrix.seed=[]"]), [
    "--set matrix.seed=[]: Expected a list of values, or named records of parameters, but found [].",
  ]);
  assert.deepEqual(await problemsOf(recipe, ["sauce.value=2", "matrix.sede=[1]"]), [
    "--set sauce.value=2: The recipe has no stage sauce; expected one of source, matrix. [source]",
    "--set matrix.sede=[1]: The recipe has no axis sede; expected one of seed. [seed]",
  ]);
  assert.deepEqual(await problemsOf(recipe, ["nonsense"]), [
    "--set nonsense: Expected STAGE.PARAM=VALUE.",
  ]);
  assert.deepEqual(await problemsOf(recipe, ["source.vale=2"]), [
    "toy.yaml:6: stages.source.params.vale (source@seed=1): Unknown key; expected one of value, file. [value]",
  ]);
});

Deno.test("a parameter that a person must give says what it is and where to get it", async () => {
  const recipe = `
recipe: toy
describe: needs a value
requires: { source.value: "the number on the back of the box; find the box, then --set source.value=N" }
stages:
  source: { params: {} }
`;
  assert.deepEqual(await problemsOf(recipe), [
    "toy.yaml:6: stages.source.params.value: Missing. Expected the number on the back of the box; find the box, then --set source.value=N",
  ]);
});

Deno.test("YAML that cannot be read names the line", async () => {
  const problems = await problemsOf("recipe: toy\ndescribe: [\n");
  assert.match(problems[0], /^toy\.yaml:\d: /);
});

Deno.test("a selection that names nothing suggests what it may have meant", async () => {
  await using toy = await openToyPipeline();
  const recipe = `
recipe: toy
describe: plain
stages:
  source: { params: { value: 1 } }
`;
  await assert.rejects(() => toy.plan(recipe, { to: ["sorce"] }), {
    message:
      'The selection names unknown stages:\n  --to sorce: The recipe has no such stage; expected one of source, or an id such as source. Did you mean "source"?',
  });
});
