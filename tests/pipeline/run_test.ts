import assert from "node:assert/strict";
import { Random } from "../../core/random.ts";
import type { RunEvent } from "../../pipeline/events.ts";
import type { PlannedInstance } from "../../pipeline/plan.ts";
import type { KeyRecord } from "../../pipeline/store/records.ts";
import { openToyPipeline, toyExecutor } from "./toy/pipeline.ts";

const RECIPE = `
recipe: toy
describe: numbers
matrix:
  seed: [1, 2]
  method:
    double: { factor: 2 }
    triple: { factor: 3 }
stages:
  source:
    each: [seed]
    params: { value: $seed }
  multiply:
    each: [method, seed]
    inputs: { number: source }
    params: { $include: method }
  total:
    inputs: { numbers: multiply }
`;

Deno.test("runPlan() computes every instance once and nothing the second time", async () => {
  await using toy = await openToyPipeline();
  const first = await toy.run(RECIPE);
  assert.equal(first.status, "done");
  assert.equal(first.ran.length, 7);
  assert.equal(toy.number(first, "total"), 2 + 4 + 3 + 6);
  const second = await toy.run(RECIPE);
  assert.deepEqual(second.ran, []);
  assert.equal(second.cached.length, 7);
});

Deno.test("a record without what its stage gives is no result, and is computed anew", async () => {
  await using toy = await openToyPipeline();
  const calm = await toy.run(RECIPE);
  const id = "multiply/double@seed=1";
  const record = calm.records.get(id)!;
  const { number } = record.outputs;
  const forged: KeyRecord["outputs"][] = [
    {},
    { other: number },
    { number: { ...number, type: "text" } },
  ];
  for (const outputs of forged) {
    await toy.store.adoptKey({ ...record, outputs });
    const one = (await toy.plan(RECIPE)).find(({ instance }) => instance.id === id)!;
    assert.deepEqual([one.state, one.reasons[0].field], ["stale", "result lost from the store"]);
    assert.deepEqual((await toy.run(RECIPE)).ran, [id]);
    assert.deepEqual(toy.store.readKey(record.key)!.outputs, record.outputs);
  }
});

Deno.test("a changed parameter runs exactly the stages that follow from it", async () => {
  await using toy = await openToyPipeline();
  await toy.run(RECIPE);
  const changed = { set: ["matrix.method.triple.factor=5"] };
  const states = (await toy.plan(RECIPE, changed))
    .filter(({ state }) => state !== "cached").map(({ instance }) => instance.id);
  assert.deepEqual(states, ["multiply/triple@seed=1", "multiply/triple@seed=2", "total"]);
  const result = await toy.run(RECIPE, changed);
  assert.deepEqual([...result.ran].sort(), states);
  assert.equal(toy.number(result, "total"), 2 + 4 + 5 + 10);
});

Deno.test("a parameter that its stage says changes no bit re-runs nothing", async () => {
  await using toy = await openToyPipeline();
  const first = await toy.run(RECIPE);
  const set = ["multiply.mode=rounded"];
  const planned = await toy.plan(RECIPE, { set });
  assert.deepEqual(planned.filter(({ state }) => state !== "cached"), []);
  const { fields } = first.records.get("multiply/double@seed=1")!;
  const { fields: after } = planned.find(({ instance }) =>
    instance.id === "multiply/double@seed=1"
  )!;
  assert.deepEqual(after, fields);
});

Deno.test("plan names the field that changed, before and after", async () => {
  await using toy = await openToyPipeline();
  await toy.run(RECIPE);
  const plan = await toy.plan(RECIPE, { set: ["multiply.factor=7"] });
  const double = plan.find(({ instance }) => instance.id === "multiply/double@seed=1")!;
  assert.deepEqual(double.reasons, [{ field: "multiply.factor", before: "2", after: "7" }]);
  const total = plan.find(({ instance }) => instance.id === "total")!;
  assert.equal(total.state, "stale");
  assert.equal(total.key, null);
  assert.match(total.reasons[0].after!, /^waits for multiply\/double@seed=1, /);
});

Deno.test("a re-run that gives equal bytes re-runs nothing after it", async () => {
  await using toy = await openToyPipeline();
  const recipe = `
recipe: toy
describe: numbers
stages:
  source: { params: { value: 4 } }
  multiply: { inputs: { number: source }, params: { factor: 3, modulo: 2 } }
  total: { inputs: { numbers: multiply } }
`;
  await toy.run(recipe);
  const result = await toy.run(recipe, { set: ["multiply.factor=5"] });
  assert.deepEqual(result.ran, ["multiply"]);
  assert.deepEqual([...result.cached].sort(), ["source", "total"]);
});

Deno.test("an edited module re-runs the stage and is named as the reason", async () => {
  await using toy = await openToyPipeline();
  await toy.run(RECIPE);
  toy.code = { modules: { "toy.ts": "2" }, packages: [] };
  const plan = await toy.plan(RECIPE);
  assert.deepEqual(plan[0].reasons, [{ field: "code toy.ts", before: "1…", after: "2…" }]);
});

Deno.test("a file's content is in the key, its path is not", async () => {
  await using toy = await openToyPipeline();
  const recipe = (name: string) => `
recipe: toy
describe: numbers
stages:
  source: { params: { value: 1, file: ${name} } }
`;
  await Deno.writeTextFile(`${toy.folder}/a.txt`, "10");
  await Deno.writeTextFile(`${toy.folder}/b.txt`, "10");
  const first = await toy.run(recipe("a.txt"));
  assert.equal(toy.number(first, "source"), 11);
  assert.deepEqual((await toy.run(recipe("b.txt"))).ran, []);
  await Deno.writeTextFile(`${toy.folder}/b.txt`, "200");
  assert.equal(toy.number(await toy.run(recipe("b.txt")), "source"), 201);
});

Deno.test("a failing stage fails alone: what does not need it still runs", async () => {
  await using toy = await openToyPipeline();
  const recipe = `
recipe: toy
describe: numbers
stages:
  source: { params: { value: 1 } }
  trouble: { inputs: { number: source }, params: { how: throw } }
  multiply: { inputs: { number: source }, params: { factor: 2 } }
  total: { inputs: { numbers: [trouble, multiply] } }
`;
  const result = await toy.run(recipe);
  assert.equal(result.status, "failed");
  assert.deepEqual(result.failed.map(({ id }) => id), ["trouble"]);
  assert.match(result.failed[0].error, /TypeError: it threw/);
  assert.deepEqual([...result.ran].sort(), ["multiply", "source"]);
  const skipped = toy.events.find((event) => event.type === "stage-skipped");
  assert.equal(skipped?.type === "stage-skipped" && skipped.because, "it needs trouble");
});

for (
  const [how, message] of [
    ["nothing", /trouble wrote nothing to its output number/],
    ["crash", /ended without a result \(exit code 7\)/],
    ["escape", /Requires write access to .* \(not among its permissions\)/],
  ] as const
) {
  Deno.test(`a stage that fails by "${how}" is told so and leaves the store intact`, async () => {
    await using toy = await openToyPipeline();
    const recipe = `
recipe: toy
describe: trouble
stages:
  trouble: { params: { how: ${how} } }
`;
    const result = await toy.run(recipe);
    assert.equal(result.status, "failed");
    assert.match(result.failed[0].error, message);
    assert.equal(toy.store.listObjects().length, 0);
  });
}

Deno.test("--only runs the named stages and refuses when what they need is not cached", async () => {
  await using toy = await openToyPipeline();
  const refused = await toy.run(RECIPE, { only: ["total"] });
  assert.equal(refused.status, "failed");
  assert.match(refused.failed[0].error, /has no current result and was not selected to run/);
  await toy.run(RECIPE, { to: ["multiply"] });
  assert.deepEqual((await toy.run(RECIPE, { only: ["total"] })).ran, ["total"]);
});

Deno.test("the order in which ready stages start does not change any result", async () => {
  await using toy = await openToyPipeline();
  const expected = await toy.run(RECIPE);
  const digests = (result: typeof expected) =>
    [...result.records].map(([id, { outputs }]) => `${id} ${outputs.number.digest}`).sort();
  await using other = await openToyPipeline();
  const random = Random.seeded(3, "order");
  const shuffled = await other.run(RECIPE, {
    context: { arrange: (ready) => random.shuffled(ready) },
  });
  assert.deepEqual(digests(shuffled), digests(expected));
});

Deno.test("a stage that was stopped goes on from its scratch with the same key", async () => {
  await using toy = await openToyPipeline();
  const recipe = `
recipe: toy
describe: counting
stages:
  trouble: { params: { how: count } }
`;
  const stop = new AbortController();
  const watch = {
    receive: (event: { type: string }) => {
      if (event.type === "stage-progress") stop.abort();
    },
  };
  const stopped = await toy.run(recipe, { context: { stop: stop.signal, subscribers: [watch] } });
  assert.equal(stopped.status, "interrupted");
  const result = await toy.run(recipe);
  const started = toy.events.find((event) => event.type === "stage-started");
  assert.equal(started?.type === "stage-started" && started.resumed, true);
  const first = toy.events.find((event) => event.type === "stage-progress");
  assert.ok(first?.type === "stage-progress" && first.progress.done > 1);
  assert.equal(toy.number(result, "trouble"), 40);
});

Deno.test("a stage whose code was edited after the plan does not run", async () => {
  await using toy = await openToyPipeline();
  toy.edited = ["toy.ts"];
  const result = await toy.run(RECIPE, { to: ["source"], set: ["matrix.seed=[1]"] });
  assert.deepEqual(result.failed, [{
    id: "source@seed=1",
    error:
      "source@seed=1: What it reads was edited since the run was planned (toy.ts); run it again.",
  }]);
  assert.deepEqual(toy.store.listKeys(), []);
});

const COUNTING = `
recipe: toy
describe: counting
stages:
  trouble: { params: { how: count } }
`;

/** Does something once, at the first event of a type. */
function atFirst(type: RunEvent["type"], action: () => void) {
  let done = false;
  return {
    receive: (event: RunEvent) => {
      if (event.type !== type || done) return;
      done = true;
      action();
    },
  };
}

Deno.test("what edited code left in scratch is not found again", async () => {
  await using toy = await openToyPipeline();
  const edit = atFirst("stage-progress", () => {
    toy.edited = ["toy.ts"];
    stop.abort();
  });
  const stop = new AbortController();
  await toy.run(COUNTING, { context: { subscribers: [edit], stop: stop.signal } });
  toy.edited = [];
  const result = await toy.run(COUNTING);
  const started = toy.events.find((event) => event.type === "stage-started");
  assert.equal(started?.type === "stage-started" && started.resumed, false);
  assert.equal(toy.number(result, "trouble"), 40);
});

Deno.test("an input file that changed after the plan is not keyed under what it was", async () => {
  await using toy = await openToyPipeline();
  const recipe = `
recipe: toy
describe: a file read late
stages:
  trouble: { params: { how: count } }
  source: { params: { value: 1, file: a.txt } }
`;
  await Deno.writeTextFile(`${toy.folder}/a.txt`, "10");
  const change = atFirst(
    "stage-started",
    () => Deno.writeTextFileSync(`${toy.folder}/a.txt`, "99"),
  );
  const one = { executor: toyExecutor(1), subscribers: [change], arrange: slowFirst };
  const result = await toy.run(recipe, { context: one });
  assert.match(result.failed[0].error, /^source: What it reads was edited .*a\.txt/);
  const again = await toy.run(recipe);
  assert.deepEqual(again.failed, []);
  assert.equal(toy.number(again, "source"), 100);
});

function slowFirst(ready: PlannedInstance[]): PlannedInstance[] {
  return ready.sort((a, b) => (a.instance.id < b.instance.id ? 1 : -1));
}

Deno.test("instances with one key are computed once, however many ask at the same time", async () => {
  await using toy = await openToyPipeline();
  const result = await toy.run(`
recipe: toy
describe: twins
stages:
  first: { uses: source, params: { value: 3 } }
  second: { uses: source, params: { value: 3 } }
  third: { uses: source, params: { value: 3 } }
`);
  assert.equal(result.status, "done");
  assert.deepEqual([result.ran.length, result.cached.length], [1, 2]);
});

Deno.test("instances that take turns at something do not run beside one another", async () => {
  await using toy = await openToyPipeline();
  const recipe = (how: string) => `
recipe: toy
describe: chat, one at a time
matrix: { seed: [1, 2] }
stages:
  source: { each: [seed], params: { value: $seed } }
  trouble: { each: [seed], inputs: { number: source }, params: { how: ${how} } }
`;
  const steps = () =>
    toy.events.flatMap((event) =>
      (event.type === "stage-started" || event.type === "stage-finished" ||
          event.type === "stage-failed") && event.id.startsWith("trouble")
        ? [event.type.split("-")[1]]
        : []
    );
  assert.equal((await toy.run(recipe("chat"))).status, "done");
  assert.deepEqual(steps(), ["started", "finished", "started", "finished"]);
  await toy.run(recipe("throw"), { only: ["trouble"] });
  assert.deepEqual(steps(), ["started", "started", "failed", "failed"], "others do");
});

Deno.test("stages that end together with equal outputs do not take each other's away", async () => {
  await using toy = await openToyPipeline();
  const stages = Array.from(
    { length: 8 },
    (_, i) =>
      `  s${i}: { uses: source, params: { value: ${i} } }\n` +
      `  m${i}: { uses: multiply, inputs: { number: s${i} }, params: { factor: 0 } }\n`,
  );
  const recipe = `recipe: toy\ndescribe: equal outputs\nstages:\n${stages.join("")}`;
  const result = await toy.run(recipe, { context: { executor: toyExecutor(8) } });
  assert.deepEqual(result.failed, []);
  assert.equal(toy.store.listObjects().length, 8); // 0 … 7, the products among them
});

Deno.test("Ctrl-C at the moment a stage starts stops that stage", async () => {
  await using toy = await openToyPipeline();
  const stop = new AbortController();
  const abort = atFirst("stage-started", () => stop.abort());
  const result = await toy.run(COUNTING, { context: { stop: stop.signal, subscribers: [abort] } });
  assert.equal(result.status, "interrupted");
  assert.deepEqual(result.failed, []);
});

Deno.test("an error of the engine's own leaves no worker behind", async () => {
  await using toy = await openToyPipeline();
  let pid = 0;
  const broken = {
    receive: (event: RunEvent) => {
      if (event.type === "stage-started") pid = event.pid;
      if (event.type === "stage-progress") throw new Error("no space for this event");
    },
  };
  const result = await toy.run(COUNTING, { context: { subscribers: [broken] } });
  assert.match(result.failed[0].error, /no space/);
  assert.throws(() => Deno.kill(pid, "SIGCONT"), Deno.errors.NotFound);
});

Deno.test("what a library prints does not hide a result", async () => {
  await using toy = await openToyPipeline();
  const result = await toy.run(COUNTING.replace("count }", "chat }"));
  assert.equal(toy.number(result, "trouble"), 1);
});

Deno.test("an error while an end is recorded is thrown by the run, which leaves nothing running", async () => {
  await using toy = await openToyPipeline();
  const pids: number[] = [];
  const broken = {
    receive: (event: RunEvent) => {
      if (event.type === "stage-started") pids.push(event.pid);
      if (event.type === "stage-finished") throw new Error("no space for this event");
    },
  };
  await assert.rejects(
    toy.run(RECIPE, { context: { subscribers: [broken] } }),
    new Error("no space for this event"),
  );
  for (const pid of pids) assert.throws(() => Deno.kill(pid, "SIGCONT"), Deno.errors.NotFound);
  assert.equal((await toy.run(RECIPE)).status, "done");
});
