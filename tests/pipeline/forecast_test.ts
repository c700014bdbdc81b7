import assert from "node:assert/strict";
import { feasibilityOn, type Machine, type Params } from "../../pipeline/feasibility.ts";
import { forecast } from "../../pipeline/forecast.ts";
import type { PlannedInstance } from "../../pipeline/plan.ts";
import type { Work } from "../../pipeline/prediction.ts";
import { reservationOf } from "../../pipeline/schedule.ts";
import { openToyPipeline } from "./toy/pipeline.ts";

/** 12 has two digits; times 3.5 one foresees five of 42, which has two; times 10 four. */
const CHAIN = `
recipe: toy
describe: two products in a row
stages:
  source: { params: { value: 12 } }
  first: { uses: multiply, inputs: { number: source }, params: { factor: 3.5 } }
  second: { uses: multiply, inputs: { number: first }, params: { factor: 10 } }
`;

Deno.test("a plan passes sizes from stage to stage before anything ran", async () => {
  await using toy = await openToyPipeline();
  const [source, first, second] = await toy.plan(CHAIN);
  assert.deepEqual(source.forecast.outputs, { number: { digits: 2 } });
  assert.deepEqual(first.forecast.outputs, { number: { digits: 5 } });
  assert.deepEqual(second.forecast.outputs, { number: { digits: 7 } });
  assert.equal(source.forecast.basis, "nothing to go by");
  assert.equal(second.forecast.seconds, 1 + 7 / 2);
  assert.equal(second.forecast.basis, "2.00 digits/s, assumed for 1 core");
  assert.deepEqual(reservationOf(second), { cores: 1, memory: 701, turns: [] });
  assert.deepEqual(reservationOf(source), { cores: 1, memory: 64, turns: [] }, "as it declares");
});

Deno.test("facts of artifacts take the place of predictions", async () => {
  await using toy = await openToyPipeline();
  await toy.run(CHAIN, { to: ["first"] });
  const [, first, second] = await toy.plan(CHAIN);
  assert.equal(first.state, "cached");
  assert.deepEqual(first.forecast.outputs, { number: { digits: 2 } }, "42");
  assert.deepEqual(second.forecast.outputs, { number: { digits: 4 } });
  assert.equal(second.forecast.work!.amount, 4);
});

Deno.test("a run measures the speed at work that its inputs told, and plans rest on it", async () => {
  await using toy = await openToyPipeline();
  const { records } = await toy.run(CHAIN);
  const { work, seconds } = records.get("second")!;
  assert.equal(work!.amount, 4, "of facts, although seven were foreseen when the run began");
  const [, , second] = await toy.plan(CHAIN, { set: ["second.factor=1000"] });
  const perSecond = 4 / Math.max(seconds - 1, seconds / 4);
  assert.equal(second.forecast.seconds, 1 + 6 / perSecond);
  assert.equal(
    second.forecast.basis,
    `${perSecond.toPrecision(3)} digits/s, measured here by second`,
  );
});

Deno.test("speed() prefers the instance, its entry, its kind of work, its stage, then the nearest scale", async () => {
  await using toy = await openToyPipeline();
  const { timings } = toy.store;
  await Deno.mkdir(`${toy.folder}/store/tmp`, { recursive: true });
  const work = { unit: "operations", like: "all", scale: 100 };
  const place = { stage: "train", recipe: "r", instance: "train/a", machine: "here" };
  const note = (
    instance: string,
    amount: number,
    rest: Partial<Work> & { stage?: string } = {},
  ) => {
    const { stage = "train", ...kind } = rest;
    const done: Work = { ...work, amount, perSecond: 1, startSeconds: 0, ...kind };
    return timings.note({ recipe: "r", instance, stage, seconds: 10, work: done }, "here");
  };
  const found = () => timings.speed(work, place)?.perSecond ?? null;
  assert.equal(found(), null);
  await note("big", 10, { scale: 900 });
  assert.equal(found(), null, "nine times as large says nothing");
  await note("score", 20, { stage: "logps", like: "scoring" });
  assert.equal(found(), 2);
  await note("eval", 25, { stage: "logps", like: "all", scale: 500 });
  assert.equal(found(), 2.5, "the same kind of work, if of another stage");
  await note("lora", 30, { like: "adapter" });
  assert.equal(found(), 3);
  await note("far", 40, { scale: 500 });
  assert.equal(found(), 4);
  await note("other/near", 50, { scale: 120 });
  assert.equal(found(), 5);
  await note("train/b@seed=0", 55, { scale: 400 });
  assert.equal(found(), 5.5, "the recipe's same entry, at whatever scale");
  await note("train/a", 60, { scale: 300 });
  assert.equal(found(), 6);
  await note("train/a", 70);
  assert.equal(found(), 7, "the newest of an instance");
  assert.equal(timings.speed(work, { ...place, machine: "elsewhere" }), null);
  assert.equal(timings.speed({ ...work, unit: "pairs" }, place), null);
});

Deno.test("speed() leaves out what earlier versions kept, which do not say what worked", async () => {
  await using toy = await openToyPipeline();
  const { timings } = toy.store;
  await Deno.mkdir(`${toy.folder}/store/tmp`, { recursive: true });
  const work = { unit: "operations", like: "all", scale: 100 };
  const place = { stage: "train", recipe: "r", instance: "train", machine: "here" };
  const old = { machine: "here", recipe: "r", instance: "train", stage: "train", ...work };
  const kept = { stages: { train: 7 }, instances: {}, speeds: [{ ...old, perSecond: 1e14 }] };
  await Deno.writeTextFile(timings.path, JSON.stringify(kept));
  assert.equal(timings.speed(work, place), null, "it may be a GPU's");
  assert.equal(timings.speed({ ...work, on: "gpu" }, place), null);
  assert.equal(timings.pastSeconds("train"), 7);
  const done: Work = { ...work, amount: 30, perSecond: 1, startSeconds: 0 };
  await timings.note(
    { recipe: "r", instance: "train", stage: "train", seconds: 10, work: done },
    "here",
  );
  assert.equal(timings.speed(work, place)?.perSecond, 3);
  assert.equal(timings.speed({ ...work, on: "gpu" }, place), null);
});

Deno.test("what starting takes is not taken for work, unless it was most of the time", async () => {
  await using toy = await openToyPipeline();
  await Deno.mkdir(`${toy.folder}/store/tmp`, { recursive: true });
  const { timings } = toy.store;
  const place = { stage: "s", recipe: "r", instance: "i", machine: "here" };
  const measured = async (startSeconds: number) => {
    const work = { amount: 100, unit: "u", perSecond: 1, startSeconds, like: "l", scale: 1 };
    await timings.note({ recipe: "r", instance: "i", stage: "s", seconds: 20, work }, "here");
    return timings.speed(work, place)!.perSecond;
  };
  assert.equal(await measured(10), 10);
  assert.equal(await measured(19), 100 / 5);
});

Deno.test("memory that is foreseen keeps instances apart that would not fit together", async () => {
  await using toy = await openToyPipeline();
  const overlaps = async (factor: number) => {
    await toy.run(`
recipe: toy
describe: two side by side
matrix: { way: [${factor}, ${factor + 1}] }
stages:
  source: { params: { value: 1 } }
  multiply: { each: [way], inputs: { number: source }, params: { factor: $way } }
`);
    let running = 0;
    let most = 0;
    for (const { type } of toy.events) {
      if (type === "stage-started") most = Math.max(most, ++running);
      if (type === "stage-finished") running--;
    }
    return most;
  };
  assert.equal(await overlaps(10), 2, "301 MiB each of 1,024");
  assert.equal(await overlaps(10000), 1, "601 MiB each");
});

Deno.test("feasibilityOn() names what a machine has no memory for, in parts, and its time", async () => {
  await using toy = await openToyPipeline();
  const planned: PlannedInstance[] = await toy.plan(CHAIN);
  const machine = {
    name: "small",
    memoryBytes: 600 * 2 ** 20,
    speeds: [{ name: "fast", perSecond: 4 }],
  };
  const found = await feasibilityOn(machine, planned, "digits");
  assert.deepEqual(found.misfits, [{
    id: "second",
    neededBytes: 701 * 2 ** 20,
    processes: 1,
    parts: [{ what: "digits", bytes: 700 * 2 ** 20 }, { what: "process", bytes: 2 ** 20 }],
    change: null,
  }]);
  assert.deepEqual(found.needs.map(({ id }) => id), ["first", "second"]);
  assert.deepEqual(found.seconds, [{ name: "fast", seconds: (5 + 7) / 4 }]);
  assert.equal((await feasibilityOn(machine, planned, "miles")).seconds[0].seconds, 0);
});

/** The stages of `CHAIN` as if `mode: rounded` had two processes compute them on GPUs, in half the memory. */
async function plannedOnGpus(): Promise<PlannedInstance[]> {
  await using toy = await openToyPipeline();
  return (await toy.plan(CHAIN)).map((one): PlannedInstance => {
    const { stage } = one.instance;
    const isRounded = (params: unknown) => (params as { mode?: string }).mode === "rounded";
    const changed = {
      ...stage,
      resources: (params: unknown) => ({
        cores: 2,
        ...(isRounded(params) && { processes: 2, gpus: 2 }),
      }),
      predict: async (about: Parameters<NonNullable<typeof stage.predict>>[0]) => {
        const { memory, ...foreseen } = await stage.predict!(about);
        const { modulo = 1 } = about.params as { modulo?: number };
        const less = memory?.map(({ what, bytes }) => ({
          what,
          bytes: bytes / modulo,
          isOnGpu: true,
        }));
        return { ...foreseen, memory: less, exchangedBytes: isRounded(about.params) ? 12 : 0 };
      },
    };
    return { ...one, instance: { ...one.instance, stage: changed } };
  });
}

const GPU = {
  name: "GPUs",
  memoryBytes: 300 * 2 ** 20,
  gpus: 2,
  params: { mode: "rounded", unknown: 1 },
  speeds: [{ name: "fast", perSecond: 4 }],
  exchangedPerSecond: 8,
};

Deno.test("feasibilityOn() gives stages what the machine asks for, and each process a GPU of its own", async () => {
  const found = await feasibilityOn(GPU, await plannedOnGpus(), "digits");
  const inMiB = found.needs.map(({ id, processes, neededBytes }) =>
    [id, processes, neededBytes / 2 ** 20] as const
  );
  assert.deepEqual(inMiB, [["first", 2, 250.5], ["second", 2, 350.5]]);
  assert.deepEqual(found.misfits.map(({ id }) => id), ["second"]);
  // Two processes share 5 and 7 digits; each hands on 12 bytes of either stage.
  assert.equal(found.exchangeSeconds, 24 / 8);
  assert.equal(found.seconds[0].seconds, (5 + 7) / 2 / 4 + 24 / 8);
});

Deno.test("a GPU is held to its own memory, its host and reservations to the rest", async () => {
  const memory = [{ what: "weights", bytes: 4e8, isOnGpu: true }, { what: "moments", bytes: 9e8 }];
  const planned = (await plannedOnGpus()).map((one): PlannedInstance => {
    const stage = { ...one.instance.stage, predict: () => Promise.resolve({ memory }) };
    return {
      ...one,
      forecast: { ...one.forecast, memory },
      instance: { ...one.instance, stage, params: { mode: "rounded" } },
    };
  });
  const needs = async (machine: Machine) =>
    (await feasibilityOn(machine, planned, "digits")).needs
      .flatMap(({ id, neededBytes }) => id === "second" ? [neededBytes] : []);
  assert.deepEqual(await needs(GPU), [2e8], "of two processes each has a GPU");
  const machine = { name: "machine", memoryBytes: 1e9, speeds: [] };
  assert.deepEqual(await needs(machine), [9e8]);
  const { misfits, elsewhere } = await feasibilityOn(machine, planned, "digits");
  assert.deepEqual([misfits, elsewhere.at(-1)], [[], "second"], "on a GPU of its own");
  assert.equal(reservationOf(planned.at(-1)!).memory, Math.ceil(9e8 / 2 ** 20));
});

Deno.test("a speed that a processor showed is not a GPU's, nor is one assumed where none is told", async () => {
  await using toy = await openToyPipeline();
  await toy.run(CHAIN);
  const [, , { instance, forecast: { work } }] = await toy.plan(CHAIN);
  const foresee = (more: Partial<Work>) => {
    const predict = () => Promise.resolve({ work: { ...work!, amount: 12, ...more } });
    const resources = () => ({ cores: 16, gpus: 2 });
    const stage = { ...instance.stage, predict, resources };
    const grounds = { recipe: "toy", machine: "toy", timings: toy.store.timings };
    return forecast({ ...instance, stage }, new Map(), { ...grounds, last: null, record: null });
  };
  assert.match((await foresee({})).basis, /measured here by second$/);
  const { seconds, basis } = await foresee({ on: "gpu" });
  assert.deepEqual([seconds, basis], [1 + 12 / (2 * 2), "4.00 digits/s, assumed for 2 GPUs"]);
  const unknown = await foresee({ on: "gpu", perSecond: null });
  assert.deepEqual([unknown.seconds, unknown.basis], [
    null,
    "no GPU's speed was measured here, and none is assumed",
  ]);
  const onGpu: Work = { ...work!, on: "gpu", amount: 60 };
  const done = { recipe: "toy", instance: "second", stage: "multiply", seconds: 11, work: onGpu };
  await toy.store.timings.note(done, "toy");
  assert.equal((await foresee({ on: "gpu", perSecond: null })).seconds, 1 + 12 / 6);
  assert.match((await foresee({})).basis, /measured here by second$/);
  assert.notEqual((await foresee({})).seconds, 1 + 12 / 6, "beside the processor's");
});

Deno.test("feasibilityOn() counts no time for what no speed is assumed of", async () => {
  const planned = (await plannedOnGpus()).map((one): PlannedInstance => {
    const predict = async (
      about: Parameters<NonNullable<typeof one.instance.stage.predict>>[0],
    ) => {
      const foreseen = await one.instance.stage.predict!(about);
      const { work } = foreseen;
      return { ...foreseen, ...work && { work: { ...work, perSecond: null } } };
    };
    return { ...one, instance: { ...one.instance, stage: { ...one.instance.stage, predict } } };
  });
  const { needs, seconds, exchangeSeconds } = await feasibilityOn(GPU, planned, "digits");
  assert.equal(needs.length, 2);
  assert.deepEqual(seconds, [{ name: "fast", seconds: exchangeSeconds }]);
});

Deno.test("feasibilityOn() leaves out what no GPU of the machine computes, and says so", async () => {
  const found = await feasibilityOn({ ...GPU, params: {} }, await plannedOnGpus(), "digits");
  assert.deepEqual(found.elsewhere, ["first", "second"]);
  assert.deepEqual([found.needs, found.misfits, found.seconds[0].seconds], [[], [], 0]);
});

Deno.test("feasibilityOn() names the first change with which a stage fits", async () => {
  const planned = await plannedOnGpus();
  const changeOf = async (changes: readonly Params[]) => {
    const { misfits: [misfit] } = await feasibilityOn({ ...GPU, changes }, planned, "digits");
    return misfit.change;
  };
  assert.equal(await changeOf([]), null);
  const half = { mode: "rounded", modulo: 2 };
  const changes: Params[] = [{ unknown: 1 }, { mode: "exact" }, half, { modulo: 7 }];
  assert.deepEqual(await changeOf(changes), {
    params: { modulo: 2 },
    neededBytes: 350.5 * 2 ** 19,
  });
  assert.equal(await changeOf([{ modulo: 1 }, { mode: "rounded" }]), null);
});

Deno.test("a guess is said to be for want of sizes only where some are missing", async () => {
  await using toy = await openToyPipeline();
  const [, first] = await toy.plan(CHAIN);
  const basisOf = async (
    outputs: Record<string, { digits: number }> | undefined,
    known: boolean,
  ) => {
    const predict = () => Promise.resolve({ outputs });
    const stage = { ...first.instance.stage, predict, estimateSeconds: () => 4 };
    const sizes = new Map(known ? [["source", { number: { digits: 2 } }]] : []);
    const grounds = { recipe: "other", machine: "toy", timings: toy.store.timings };
    const found = { ...grounds, last: null, record: null };
    return (await forecast({ ...first.instance, stage }, sizes, found)).basis;
  };
  const number = { digits: 2 };
  assert.equal(await basisOf({ number }, true), "a guess");
  const why = "a guess, since the sizes of what it reads are not known";
  assert.equal(await basisOf({ number }, false), why);
  assert.equal(await basisOf(undefined, true), why);
});
