import assert from "node:assert/strict";
import { InputError } from "../../core/problem.ts";
import { openToyPipeline } from "./toy/pipeline.ts";

/** `gate` checks the source; `multiply` reads nothing of it, and comes after it. */
const recipe = (gate: string) => `
recipe: toy
describe: a gate
matrix:
  seed: [1, 2]
stages:
  source: { each: [seed], params: { value: $seed } }
  multiply: { each: [seed], inputs: { number: source }, after: [gate], params: { factor: 2 } }
  gate: { each: [seed], ${gate} }
  total: { inputs: { numbers: multiply } }
`;
const OPEN = "uses: multiply, inputs: { number: source }, params: { factor: 7 }";
const SHUT = "uses: trouble, inputs: { number: source }, params: { how: throw }";

Deno.test("a stage named as the target brings what it comes after, which runs first", async () => {
  await using toy = await openToyPipeline();
  const { status, ran } = await toy.run(recipe(OPEN), { to: ["multiply"] });
  assert.equal(status, "done");
  for (const seed of [1, 2]) {
    const gate = ran.indexOf(`gate@seed=${seed}`);
    assert.ok(gate >= 0 && gate < ran.indexOf(`multiply@seed=${seed}`), ran.join(" "));
  }
});

Deno.test("when what a stage comes after fails, the stage is not started, cached or not", async () => {
  await using toy = await openToyPipeline();
  await toy.run(recipe(OPEN), { set: ["matrix.seed=[1]"] });
  const { status, ran, cached } = await toy.run(recipe(SHUT), { to: ["total"] });
  assert.equal(status, "failed");
  assert.deepEqual([...ran, ...cached].sort(), ["source@seed=1", "source@seed=2"]);
  const skipped = toy.events.filter((event) => event.type === "stage-skipped")
    .map(({ id, because }) => `${id}: ${because}`).sort();
  assert.deepEqual(skipped, [
    "multiply@seed=1: it needs gate@seed=1",
    "multiply@seed=2: it needs gate@seed=2",
    "total: it needs multiply@seed=1, multiply@seed=2",
  ]);
});

Deno.test("what a stage comes after is not in its key", async () => {
  await using toy = await openToyPipeline();
  await toy.run(recipe(OPEN));
  const { ran } = await toy.run(recipe(OPEN), { set: ["gate.factor=9"] });
  assert.deepEqual([...ran].sort(), ["gate@seed=1", "gate@seed=2"]);
});

Deno.test("--only refuses to pass by a gate without a result", async () => {
  await using toy = await openToyPipeline();
  const { failed } = await toy.run(recipe(OPEN), { only: ["source", "multiply"] });
  assert.deepEqual(failed.map(({ id }) => id).sort(), ["gate@seed=1", "gate@seed=2"]);
});

const wrong = (after: string) => `
recipe: toy
describe: wrong
matrix: { seed: [1, 2] }
stages:
  source: { each: [seed], params: { value: 1 } }
  first: { uses: source, each: [seed], only: { seed: [1] }, params: { value: 1 } }
  multiply: { each: [seed], inputs: { number: source }, after: [${after}], params: { factor: 1 } }
`;

for (
  const [what, after, expected] of [
    [
      "a misspelt name",
      "sorce",
      "stages.multiply.after: The recipe has no stage sorce; expected one of source, first, multiply.",
    ],
    ["a cycle", "multiply", "stages.multiply: The stages form a cycle: multiply → multiply."],
    [
      "an entry that is nowhere on an instance's axes",
      "first",
      "stages.multiply.after: multiply@seed=2 would come after nothing: no instance of first is on its axes.",
    ],
  ]
) {
  Deno.test(`what a stage comes after is checked: ${what}`, async () => {
    await using toy = await openToyPipeline();
    await assert.rejects(toy.plan(wrong(after)), (error) => {
      assert.ok(error instanceof InputError);
      const told = error.problems.map(({ path, message }) => `${path}: ${message}`);
      assert.deepEqual(told, [`toy.yaml:8: ${expected}`]);
      return true;
    });
  });
}
