import assert from "node:assert/strict";
import { z } from "zod";
import { digestJson } from "../../core/digest.ts";
import { objectSchema, schemaProblems } from "../../pipeline/schema_problems.ts";
import { deviceFacts, deviceParams } from "../../stages/device_params.ts";
import { modelFacts } from "../../stages/model_facts.ts";
import { stages } from "../../stages/registry.ts";

const params = z.strictObject(deviceParams);

Deno.test("a stage's device is the processor or a GPU by its number", () => {
  for (const device of ["cpu", "cuda:0", "cuda:12"]) assert(params.safeParse({ device }).success);
  for (
    const device of ["cuda", "gpu", "cuda:-1", "cuda:0 ", 0, "cuda:01", `cuda:${"9".repeat(20)}`]
  ) {
    const { error } = params.safeParse({ device });
    assert.match(
      String(error),
      /cpu or a GPU by its number from 0 to 999, such as cuda:0/,
      `${device}`,
    );
  }
  assert.deepEqual(params.parse({}), {}, "a recipe without a device keeps its keys");
});

Deno.test("defaults that are written out have the key of a recipe that leaves them out", () => {
  const digest = (given: Record<string, unknown>) => digestJson(keyed("train", given));
  const usual = {
    ...{ device: "cpu", precision: "float32", tf32: false, processes: 1 },
    ...{ moments: "float32", offloadMoments: false },
  };
  for (const [name, value] of Object.entries(usual)) {
    assert.equal(digest({ [name]: value }), digest({}), name);
  }
  assert.equal(digest(usual), digest({}));
  const others = { device: "cuda:0", precision: "float16", moments: "bfloat16", processes: 2 };
  for (const [name, value] of Object.entries(others)) {
    assert.notEqual(digest({ [name]: value }), digest({}), name);
  }
});

Deno.test("which GPU it is, and where moments lie, is in no key: such a stage goes on where it was", () => {
  const on = (given: Record<string, unknown>) => keyed("train", { device: "cuda:0", ...given });
  assert.deepEqual(on({ offloadMoments: true }), on({}));
  assert.deepEqual(on({ device: "cuda:3", offloadMoments: true }), on({}));
  assert.notDeepEqual(on({ precision: "bfloat16" }), on({}));
  const { params } = stages.get("train")!;
  assert.deepEqual(params.parse(on({})), on({}), "what is in the key are parameters");
});

/** A stage's parameters as they enter the key: as JSON, which has nothing undefined. */
function keyed(name: string, given: Record<string, unknown>): unknown {
  const stage = stages.get(name)!;
  const params = stage.params.parse({ ...PARAMS[name as keyof typeof PARAMS], ...given });
  return JSON.parse(JSON.stringify(stage.keyParams!(params)));
}

Deno.test("facts tell what computes, and how exactly", () => {
  assert.deepEqual(deviceFacts({}), modelFacts());
  assert.deepEqual(deviceFacts({ device: "cpu", tf32: true }), modelFacts());
  const on = (more: Parameters<typeof deviceFacts>[0]) => {
    const { provider, dtype } = deviceFacts({ device: "cuda:1", ...more });
    return `${provider} ${dtype}`;
  };
  assert.equal(on({}), "cuda float32");
  assert.equal(on({ tf32: true }), "cuda tf32");
  assert.equal(on({ precision: "bfloat16", tf32: true }), "cuda bfloat16");
  assert.equal(on({ precision: "float16" }), "cuda float16");
});

const TRAIN = {
  ...{ loss: "dpo", beta: 0.1, learningRate: 1e-3, schedule: "constant", steps: 1 },
  ...{ batchPairs: 1, seed: 0, threads: 2 },
};

Deno.test("moments are offloaded from a GPU; on the CPU that is refused, and why", () => {
  const refusal =
    "false unless device is a GPU, such as cuda:0 (a CPU's moments are in host memory anyway)";
  const { params } = stages.get("train")!;
  const problems = (more: Record<string, unknown>) =>
    params.safeParse({ ...TRAIN, ...more }).error?.issues
      .map(({ path, message }) => [path.join("."), message]) ?? [];
  for (const device of [undefined, "cpu"]) {
    assert.deepEqual(problems({ device, offloadMoments: true }), [["offloadMoments", refusal]]);
    assert.deepEqual(problems({ device, offloadMoments: false }), []);
  }
  assert.deepEqual(problems({ device: "cuda:1", offloadMoments: true }), []);
});

const count = { seed: 0, threads: 2, maxNewTokens: 4 };
/** What each stage that only reads a model must be given. */
const READING = {
  generate: count,
  evaluate: { ...count, stream: "a" },
  curve: count,
  collect: {
    ...{ ...count, labelTemperature: 0, train: { samplesPerPrompt: 1, pairsPerPrompt: 1 } },
    heldOut: { prompts: 1, samplesPerPrompt: 1, pairsPerPrompt: 1, maxPairs: 1 },
  },
  logps: { threads: 2 },
  measure: { threads: 2 },
};
const PARAMS = { train: TRAIN, ...READING };

for (const [name, given] of Object.entries(PARAMS)) {
  Deno.test(`${name} takes a device, needs its GPU, and says so in its key`, () => {
    const stage = stages.get(name)!;
    const plain = stage.params.parse(given) as Record<string, unknown>;
    assert.deepEqual(Object.keys(plain).filter((key) => key in deviceParams), []);
    assert.deepEqual(stage.facts!(plain), modelFacts());
    assert.deepEqual([stage.resources(plain).cores, stage.resources(plain).gpus], [2, undefined]);
    const device = { device: "cuda:1", precision: "bfloat16", tf32: true };
    const placed = stage.params.parse({ ...given, ...device });
    assert.equal(stage.resources(placed).gpus, 1);
    assert.deepEqual(keyed(name, device), keyed(name, { ...device, device: "cuda:0" }));
    assert.notDeepEqual(keyed(name, device), keyed(name, {}));
    assert.equal(digestJson(keyed(name, { device: "cpu" })), digestJson(plain), "as ever");
    assert.deepEqual(stage.facts!(placed), {
      ...modelFacts(),
      provider: "cuda",
      dtype: "bfloat16",
    });
  });
}

for (const [name, given] of Object.entries(PARAMS)) {
  Deno.test(`${name} refuses TF32 of a CPU, which has none, and says why`, () => {
    const { params } = stages.get(name)!;
    const problems = (more: Record<string, unknown>) =>
      schemaProblems(params, { ...given, ...more }, "").map(({ path, message }) => [path, message]);
    for (const device of [{}, { device: "cpu" }]) {
      assert.deepEqual(problems({ ...device, tf32: true }), [[
        "tf32",
        "Expected false unless device is a GPU, such as cuda:0 (a CPU computes float32 as it is) but " +
        "found true.",
      ]]);
      assert.deepEqual(problems({ ...device, tf32: false }), []);
    }
    assert.deepEqual(problems({ device: "cuda:0", tf32: true }), []);
  });
}

/** Stages that read whole sequences; the others only write. */
const FUSES = ["train", "logps", "measure", "evaluate", "curve"] as const;

for (const name of FUSES) {
  Deno.test(`${name} takes fused attention of a GPU alone, and has it in its key`, () => {
    const { params } = stages.get(name)!;
    const given = PARAMS[name];
    const problems = (more: Record<string, unknown>) =>
      schemaProblems(params, { ...given, ...more }, "").map(({ path, message }) => [path, message]);
    for (const device of [{}, { device: "cpu" }]) {
      assert.deepEqual(problems({ ...device, fusedAttention: true }), [[
        "fusedAttention",
        "Expected false unless device is a GPU, such as cuda:0 (a CPU's kernel of attention holds all " +
        "scores at once) but found true.",
      ]]);
      assert.deepEqual(problems({ ...device, fusedAttention: false }), []);
    }
    const onGpu = { device: "cuda:0", precision: "bfloat16" };
    assert.deepEqual(problems({ ...onGpu, fusedAttention: true }), []);
    const plain = digestJson(keyed(name, onGpu));
    assert.equal(digestJson(keyed(name, { ...onGpu, fusedAttention: false })), plain);
    assert.notEqual(digestJson(keyed(name, { ...onGpu, fusedAttention: true })), plain);
  });
}

Deno.test("stages that only write have no fused attention", () => {
  for (const name of ["generate", "collect"] as const) {
    const given = { ...READING[name], device: "cuda:0", fusedAttention: true };
    assert.equal(schemaProblems(stages.get(name)!.params, given, "").length, 1, name);
  }
});

Deno.test("no stage with a device is missing from these tests", () => {
  const found = [...stages].filter(([, { facts }]) => facts === deviceFacts).map(([name]) => name);
  assert.deepEqual(found.sort(), [...Object.keys(READING), "train"].sort());
});

Deno.test("stages that only read a model do not speak of a loss, train does", () => {
  for (const name of [...Object.keys(READING), "train"]) {
    const given = name === "train" ? TRAIN : {};
    const { precision } = objectSchema(stages.get(name)!.params, given)!.shape;
    assert.equal(/\bloss\b/.test((precision as z.ZodType).description!), name === "train", name);
  }
});
