import assert from "node:assert/strict";
import { planLines } from "../../cli/plan_text.ts";
import { feasibilityOn } from "../../pipeline/feasibility.ts";
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
  const found = await feasibilityOn(machine, planned, "digits");
  const misfits = found.misfits.map((misfit) => ({
    ...misfit,
    change: { params: { precision: "bfloat16", lora: { rank: 16 } }, neededBytes: 3e8 },
  }));
  const several = {
    ...found,
    machine: { ...machine, name: "8 × large", gpus: 8 },
    misfits: [],
    elsewhere: ["collect"],
    exchangeSeconds: 5,
  };
  const lines = planLines(planned, 2, [{ ...found, misfits }, several]);
  const grounds = lines.indexOf("    on the processor: collect") + 1;
  assert.deepEqual(lines.slice(0, grounds), [
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
    "  small GPU, 0.5 GB: cannot run 1 stage; the others take at most 0.4 GB (multiply@way=10); all would compute for 20 s in float32",
    '    multiply@way=1000 needs 0.6 GB of 0.5 GB: digits 0.6 GB, process 0.0 GB; 0.3 GB with precision: bfloat16 and lora: {"rank":16}',
    "  8 × large, 0.5 GB each: has the memory for every stage, at most 0.6 GB (multiply@way=1000); all would compute for 20 s in float32 (of that 5 s between processes)",
    "    on the processor: collect",
  ]);
  const assumptions = lines.slice(grounds).join("\n");
  assert.match(assumptions, /with device: cuda:0 and what else the recipe says/);
  assert.match(assumptions, /without collect, generate, evaluate and curve/);
  assert.match(assumptions, /reached 27% on an H200/);
  assert.match(assumptions, /pass between processes at 3 GB\/s/);
});

Deno.test("a plan's text tells GPUs' memory from the host's, and what needs a GPU of this machine", async () => {
  await using toy = await openToyPipeline();
  const planned = (await toy.plan(RECIPE)).map((one) => {
    if (one.instance.id !== "multiply@way=10") return one;
    const memory = [
      { what: "weights", bytes: 72e9, isOnGpu: true },
      { what: "model as read", bytes: 29e9 },
    ];
    const stage = { ...one.instance.stage, resources: () => ({ cores: 1, gpus: 1 }) };
    return { ...one, instance: { ...one.instance, stage }, forecast: { ...one.forecast, memory } };
  });
  const machine = { name: "this machine (2 cores)", memoryBytes: 32e9, speeds: [] };
  const lines = planLines(planned, 2, [await feasibilityOn(machine, planned, "digits")]);
  assert.match(lines[1], / {2}\[about 3 s, 29\.0 GB, 72\.0 GB of GPUs\]$/);
  assert.match(lines[4], /, at most 29\.0 GB, and 72\.0 GB of GPUs for one stage$/);
  const at = lines.findIndex((line) => line.startsWith("  this machine"));
  assert.deepEqual(lines.slice(at, at + 2), [
    "  this machine (2 cores), 32.0 GB: has the memory for every stage, at most 29.0 GB (multiply@way=10)",
    "    on a GPU, of which nothing is known here: multiply@way=10",
  ]);
});

Deno.test("a plan with nothing to do says no more than that", async () => {
  await using toy = await openToyPipeline();
  await toy.run(RECIPE);
  const lines = planLines(await toy.plan(RECIPE), 2, []);
  assert.deepEqual(lines.slice(3), ["", "3 cached, 0 stale, 0 missing"]);
});
