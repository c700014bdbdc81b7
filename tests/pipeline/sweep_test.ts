import assert from "node:assert/strict";
import { InputError } from "../../core/problem.ts";
import { parseSweeps } from "../../pipeline/sweep.ts";
import { openToyPipeline, type ToyPipeline } from "./toy/pipeline.ts";

const RECIPE = `
recipe: toy
describe: a chain with a bystander
matrix:
  seed: [1, 2]
stages:
  source: { each: [seed], params: { value: $seed } }
  other: { uses: source, params: { value: 7 } }
  multiply: { each: [seed], inputs: { number: source }, params: { factor: 2 } }
  again: { uses: multiply, each: [seed], inputs: { number: multiply }, params: { factor: 10 } }
  total: { inputs: { numbers: [again, other] } }
`;

function ids(toy: ToyPipeline, sweep: string[]): Promise<string[]> {
  return toy.plan(RECIPE, { sweep }).then((planned) => planned.map(({ instance }) => instance.id));
}

/** The problems that a call tells; none when it succeeds. */
async function problemsOf(call: Promise<unknown>): Promise<string[]> {
  try {
    await call;
  } catch (error) {
    assert(error instanceof InputError, String(error));
    return error.problems.map(({ path, message }) => `${path}: ${message}`);
  }
  return [];
}

Deno.test("a swept parameter is an axis of its entry and of all that reads from it, and of nothing else", async () => {
  await using toy = await openToyPipeline();
  assert.deepEqual(await ids(toy, ["again.factor=10,20"]), [
    ...["source@seed=1", "source@seed=2", "other", "multiply@seed=1", "multiply@seed=2"],
    ...["again@seed=1,factor=10", "again@seed=1,factor=20"],
    ...["again@seed=2,factor=10", "again@seed=2,factor=20"],
    ...["total@factor=10", "total@factor=20"],
  ]);
});

Deno.test("two sweeps make their product; an axis whose name is taken gets the entry's before it", async () => {
  await using toy = await openToyPipeline();
  const found = await ids(toy, ["multiply.factor=1,2", "again.factor=3,4", "--"].slice(0, 2));
  assert.deepEqual(found.filter((id) => id.startsWith("total")), [
    ...["total@factor=1,again-factor=3", "total@factor=1,again-factor=4"],
    ...["total@factor=2,again-factor=3", "total@factor=2,again-factor=4"],
  ]);
  assert.equal(found.filter((id) => id.startsWith("again")).length, 8);
  assert.equal(found.filter((id) => id.startsWith("multiply")).length, 4);
});

Deno.test("each point gives what --set gives, and what is equal at two points runs once", async () => {
  await using toy = await openToyPipeline();
  const swept = await toy.run(RECIPE, { sweep: ["multiply.factor=2,-2,3", "again.modulo=1000"] });
  assert.equal(swept.status, "done");
  const place = (factor: number) => `total@factor=${factor},modulo=1000`;
  assert.deepEqual([2, -2, 3].map((factor) => toy.number(swept, place(factor))), [67, -53, 97]);
  for (const factor of [2, -2, 3]) {
    const set = [`multiply.factor=${factor}`, "again.modulo=1000"];
    const alone = await toy.run(RECIPE, { set });
    assert.equal(toy.number(alone, "total"), toy.number(swept, place(factor)));
    assert.deepEqual(alone.ran, ["total"], "but for the names of what it reads, all is there");
  }
  const again = await toy.run(RECIPE, { sweep: ["multiply.factor=2,-2,3", "again.modulo=1000"] });
  assert.deepEqual(again.ran, []);
});

Deno.test("points with equal results upstream share all that follows but what names its inputs", async () => {
  await using toy = await openToyPipeline();
  const sweep = ["source.value=5,6"];
  const zero = ["multiply.factor=0"];
  const { ran, cached } = await toy.run(RECIPE, { sweep, set: zero });
  assert.deepEqual(ran.filter((id) => id.startsWith("again")).length, 1, "of four, of both seeds");
  assert.equal(cached.filter((id) => id.startsWith("again")).length, 3);
});

Deno.test("parseSweeps() tells every text that is none", async () => {
  assert.deepEqual(await parseSweeps(["train.eta=0,0.001,1e-2", "train.sft=sum,token_mean"]), {
    "train.eta": [0, 0.001, 0.01],
    "train.sft": ["sum", "token_mean"],
  });
  const texts = ["train=1", "train.eta", "train.eta=", "a.b=1", "a.b=2", "c.d=[1],true", "e.f={"];
  assert.deepEqual(await problemsOf(parseSweeps(texts)), [
    "--sweep train=1: Expected STAGE.PARAM=VALUE,VALUE.",
    "--sweep train.eta: Expected STAGE.PARAM=VALUE,VALUE.",
    "--sweep train.eta=: Expected STAGE.PARAM=VALUE,VALUE.",
    "--sweep a.b=2: a.b is swept twice.",
    "--sweep c.d=[1],true: Expected numbers or names but found [1], true.",
    "--sweep e.f={: Expected STAGE.PARAM=VALUE,VALUE.",
  ]);
});

Deno.test("a sweep of what is not there is told with the nearest choice, beside other problems", async () => {
  await using toy = await openToyPipeline();
  await assert.rejects(toy.plan(RECIPE, { sweep: ["multipy.factor=1,2", "again.facto=1,1"] }), {
    message: /--sweep multipy\.factor: .*no stage multipy; .*Did you mean "multiply"/,
  });
  await assert.rejects(toy.plan(RECIPE, { sweep: ["again.facto=1,2"] }), {
    message: /again\.params\.facto.*Unknown key.*Did you mean "factor"/,
  });
  await assert.rejects(toy.plan(RECIPE, { sweep: ["again.factor=1,1"] }), {
    message: /The value 1 stands here more than once/,
  });
});

Deno.test("a recipe can be swept by itself; the command line's values stand in the place of its own", async () => {
  await using toy = await openToyPipeline();
  const recipe = `${RECIPE}sweep: { parameters: { again.factor: [1, 2] } }\n`;
  const totals = async (sweep: string[]) =>
    (await toy.plan(recipe, { sweep })).map(({ instance: { id } }) => id)
      .filter((id) => id.startsWith("total"));
  assert.deepEqual(await totals([]), ["total@factor=1", "total@factor=2"]);
  assert.deepEqual(await totals(["again.factor=5"]), ["total@factor=5"]);
});
