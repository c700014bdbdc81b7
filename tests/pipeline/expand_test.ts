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
    "toy.yaml:14: stages.total.uses: There is no stage totl; expected one of source, multiply, total, trouble, environment, mischief. [total]",
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
    "toy.yaml:6: stages.source.param: Unknown key; expected one of uses, each, only, inputs, after, params. [params]",
    'toy.yaml:7: stages.total.each: Expected an array but found "seed".',
    "toy.yaml:4: stges: Unknown key; expected one of recipe, describe, requires, matrix, sweep, stages. [stages]",
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

Deno.test("where may name another value of an axis than the reader has", async () => {
  await using toy = await openToyPipeline();
  const planned = await toy.plan(`
recipe: toy
describe: each beside one
matrix: { seed: [1, 2], size: [1, 2, 3] }
stages:
  source: { each: [seed, size], params: { value: $size } }
  total:
    each: [seed, size]
    only: { size: [2, 3] }
    inputs: { numbers: [source, { from: source, where: { size: 1 } }] }
`);
  const inputs = (id: string) =>
    planned.find(({ instance }) => instance.id === id)!.instance.inputs.numbers
      .map(({ instance }) => instance);
  assert.deepEqual(inputs("total@seed=1,size=2"), [
    ...["source@seed=1,size=2", "source@seed=1,size=1"],
  ]);
  assert.deepEqual(inputs("total@seed=2,size=3"), [
    ...["source@seed=2,size=3", "source@seed=2,size=1"],
  ]);
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
    "--set matrix.seed=[]: Expected a list of values, or named records of parameters (names of letters, digits, _ and -), but found [].",
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

Deno.test("a where or only that names no axis or value is told instead of taking nothing", async () => {
  const problems = await problemsOf(`
recipe: toy
describe: narrowed to nothing
matrix: { seed: [1, 2], size: [3] }
stages:
  source: { each: [seed], only: { sede: [1] }, params: { value: 1 } }
  other: { uses: source, each: [seed], only: { seed: [7, "1"] }, params: { value: 1 } }
  total: { inputs: { numbers: { from: source, where: { size: 3 } } } }
  sum: { uses: total, inputs: { numbers: { from: source, where: { seed: [1, 9] } } } }
`);
  assert.deepEqual(problems, [
    "toy.yaml:6: stages.source.only: source does not expand over sede; expected one of seed. [seed]",
    "toy.yaml:7: stages.other.only.seed: The axis seed has no value 7; expected one of 1, 2. [1]",
    'toy.yaml:7: stages.other.only.seed: The axis seed has no value "1"; expected one of 1, 2. [1]',
    "toy.yaml:8: stages.total.inputs.numbers.where: source does not expand over size; expected one of seed.",
    "toy.yaml:9: stages.sum.inputs.numbers.where.seed: The axis seed has no value 9; expected one of 1, 2. [1]",
  ]);
});

Deno.test("a wire that takes nothing is a problem on a port for many as well", async () => {
  const problems = await problemsOf(`
recipe: toy
describe: narrowed to nothing
matrix: { seed: [1, 2] }
stages:
  source: { each: [seed], only: { seed: [1] }, params: { value: 1 } }
  total: { each: [seed], inputs: { numbers: [source] } }
`);
  assert.deepEqual(problems, [
    "toy.yaml:7: stages.total.inputs.numbers: Nothing to read from source for total@seed=2; expected at least one instance on its axes.",
  ]);
});

Deno.test("names that ids cannot carry are refused, wherever they stand", async () => {
  const name = "a name of letters, digits, _ and - that begins with a letter or digit";
  const problems = await problemsOf(`
recipe: toy
describe: names
matrix: { seed: ["a/b", 2], "": [1], method: { x@y: {} } }
stages:
  w/dpo: { uses: source, params: { value: 1 } }
  "": { uses: source, params: { value: 1 } }
  toString: { uses: source, params: { value: 1 } }
`);
  assert.deepEqual(problems.map((problem) => problem.split(": Expected")[0]), [
    "toy.yaml:4: matrix.seed[0]",
    "toy.yaml:4: matrix",
    "toy.yaml:4: matrix.method",
    "toy.yaml:6: stages.w/dpo",
    "toy.yaml:5: stages",
    "toy.yaml:8: stages.toString",
  ]);
  assert.ok(problems[3].endsWith(`Expected ${name} but found "w/dpo".`), problems[3]);
});

Deno.test("values that give one id twice are refused", async () => {
  const recipe = (seeds: string, each = "[seed]") => `
recipe: toy
describe: twice
matrix: { seed: ${seeds} }
stages:
  source: { each: ${each}, params: { value: 1 } }
`;
  for (const seeds of ["[0, 0]", '[0, "0"]']) {
    assert.deepEqual(await problemsOf(recipe(seeds)), [
      "toy.yaml:4: matrix.seed: The value 0 stands here more than once; expected each value once.",
    ]);
  }
  assert.deepEqual(await problemsOf(recipe("[1, 2]", "[seed, seed]")), [
    "toy.yaml:6: stages.source: More than one instance would be called source@seed=1; expected each axis once.",
    "toy.yaml:6: stages.source: More than one instance would be called source@seed=2; expected each axis once.",
  ]);
});

Deno.test("names of Object's own members are no axes, ports or keys", async () => {
  const recipe = (key: string, input: string) => `
recipe: toy
describe: members
matrix: { seed: [1] }
stages:
  source: { params: { value: 1${key} } }
  multiply: { inputs: { number: source, ${input} }, params: { factor: 1 } }
`;
  const plain = recipe("", "");
  assert.deepEqual(await problemsOf(plain, ["matrix.toString=[1]"]), [
    "--set matrix.toString=[1]: The recipe has no axis toString; expected one of seed.",
  ]);
  for (const set of ["source.__proto__.x=1", "source.value={__proto__: 1}"]) {
    assert.deepEqual(await problemsOf(plain, [set]), [`--set ${set}: __proto__ cannot be a key.`]);
  }
  assert.deepEqual(await problemsOf(recipe(", __proto__: { x: 1 }", "")), [
    "toy.yaml:6: stages.source.params.__proto__: __proto__ cannot be a key.",
  ]);
  assert.deepEqual(await problemsOf(recipe("", "constructor: source")), [
    "toy.yaml:7: stages.multiply.inputs.constructor: Stage multiply has no such input; expected one of number.",
  ]);
  assert.deepEqual(await problemsOf(plain.replace("number: source", "number: source.toString")), [
    "toy.yaml:7: stages.multiply.inputs.number: source has no output toString; expected one of number.",
  ]);
});

Deno.test("aliases that unfold without end are refused", async () => {
  const levels = Array.from(
    { length: 9 },
    (_, i) => `x${i + 1}: &x${i + 1} [${Array(9).fill(`*x${i}`).join(", ")}]`,
  );
  const [problem, ...others] = await problemsOf(`x0: &x0 [1]\n${levels.join("\n")}\n`);
  assert.match(problem, /^toy.yaml: Its aliases cannot be resolved: Excessive alias count/);
  assert.deepEqual(others, []);
  assert.match((await problemsOf("x: &x [*x]\n"))[0], /^toy.yaml/);
});
