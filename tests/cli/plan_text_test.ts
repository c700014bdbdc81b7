import assert from "node:assert/strict";
import { planLines } from "../../cli/plan_text.ts";
import { feasibilityOn, type Machine } from "../../pipeline/feasibility.ts";
import { openToyPipeline } from "../pipeline/toy/pipeline.ts";

const RECIPE = `
recipe: toy
describe: a number and its products
matrix: { way: [10, 1000] }
stages:
  source: { params: { value: 12 } }
  multiply: { each: [way], inputs: { number: source }, params: { factor: $way } }
`;

Deno.test("a plan's text tells time and memory of each stage, grounds, and why a machine cannot run it", async () => {
  await using toy = await openToyPipeline();
  await toy.run(RECIPE, { to: ["source"] });
  const planned = await toy.plan(RECIPE);
  const machine = {
    name: "small GPU",
    memoryBytes: 5e8,
    speeds: [{ name: "float32", perSecond: 0.5 }],
  };
  const lines = planLines(planned, 2, [feasibilityOn(machine, planned, "digits")]);
  assert.deepEqual(lines.slice(0, -1), [
    "cached  source",
    "missing multiply@way=10    never run  [about 3 s, 0.4 GB]",
    "missing multiply@way=1000  never run  [about 4 s, 0.6 GB]",
    "",
    "1 cached, 0 stale, 2 missing; about 4 s to run here, at most 0.6 GB for one stage",
    "",
    "Estimates rest on",
    "  2.00 digits/s, assumed for 1 core: multiply",
    "",
    "Where it can run",
    "  small GPU, 0.5 GB: cannot run 1 stage; would compute for 20 s in float32",
    "    multiply@way=1000 needs 0.6 GB of 0.5 GB: digits 0.6 GB, process 0.0 GB",
  ]);
  assert.match(
    lines.at(-1)!,
    /For GPUs, memory is that of each stage.s own device and precision.* reached 27% on an H200/,
  );
});

Deno.test("a GPU needs no room for what is in its host's memory", async () => {
  await using toy = await openToyPipeline();
  const [source, ...others] = await toy.plan(RECIPE);
  const parts = [{ what: "weights", bytes: 3e8 }, { what: "moments", bytes: 9e8, isOnHost: true }];
  const planned = [{ ...source, forecast: { ...source.forecast, memory: parts } }, ...others];
  const on = { memoryBytes: 4e8, speeds: [] };
  const misfits = (machine: Machine) =>
    feasibilityOn(machine, planned, "digits").misfits
      .filter(({ id }) => id === "source")
      .map(({ neededBytes }) => neededBytes);
  assert.deepEqual(misfits({ name: "GPU", ...on, isOfOneProcess: true }), []);
  assert.deepEqual(misfits({ name: "machine", ...on }), [12e8]);
});

Deno.test("a plan with nothing to do says no more than that", async () => {
  await using toy = await openToyPipeline();
  await toy.run(RECIPE);
  const lines = planLines(await toy.plan(RECIPE), 2, []);
  assert.deepEqual(lines.slice(3), ["", "3 cached, 0 stale, 0 missing"]);
});
