import assert from "node:assert/strict";
import { GPU_UNIT, GPUS } from "../../cli/machines.ts";
import { misfitText } from "../../cli/plan_text.ts";
import { type Feasibility, feasibilityOn } from "../../pipeline/feasibility.ts";
import { totalBytes } from "../../pipeline/prediction.ts";
import { type ExpectedModel, expectedModel, unexpectedShape } from "../../stages/expected_model.ts";
import { instancesOf, paramsOf, planOf } from "./recipe_instances.ts";

const RECIPES = ["zephyr-7b-beta", "zephyr-7b-gemma", "openrlhf-gemma"] as const;

/** What the authors' files say, beside what all three have in common. */
const PUBLISHED = {
  "zephyr-7b-beta": { dpo: { beta: 0.01 }, rpo: { beta: 0.01, eta: 0.005, sft: "sum" }, epochs: 1 },
  "zephyr-7b-gemma": {
    dpo: { beta: 0.05 },
    rpo: { beta: 0.05, eta: 0.005, sft: "sum" },
    epochs: 2,
  },
  "openrlhf-gemma": {
    dpo: { beta: 0.5 },
    rpo: { beta: 0.5, eta: 0.2, sft: "sequence_mean" },
    epochs: 2,
  },
} as const;

for (const name of RECIPES) {
  Deno.test(`the recipe ${name} is valid, with the figures of the authors' files`, async () => {
    const instances = await instancesOf(name);
    const { dpo, rpo, epochs } = PUBLISHED[name];
    for (const [method, figures] of Object.entries({ dpo, rpo })) {
      const found = paramsOf(instances, `train/${method}`);
      const expected = {
        ...figures,
        loss: method,
        epochs,
        learningRate: 5e-7,
        schedule: "cosine",
        batchPairs: 128,
        seed: 42,
        warmupRatio: name === "openrlhf-gemma" ? 0.03 : 0.1,
        minimumRate: name === "openrlhf-gemma" ? 0.1 : 0,
        adamBeta2: name === "openrlhf-gemma" ? 0.95 : 0.999,
        weightDecay: 0,
        maxGradNorm: 1,
      };
      for (const [key, value] of Object.entries(expected)) {
        assert.deepEqual(found[key], value, `${method}: ${key}`);
      }
      assert.equal(found.lora, undefined, "all weights");
    }
    const { maxLength, maxPromptLength } = paramsOf(instances, "train-tokens");
    assert.deepEqual([maxLength, maxPromptLength], [1024, 512]);
  });

  Deno.test(`the plan of ${name} says that training does not fit 80 GB, and why`, async () => {
    const planned = await planOf(name);
    for (const { instance, forecast } of planned) {
      if (!/^(base|data|.*-tokens|.*logps|train|measure.*)$/.test(instance.entry)) continue;
      assert(forecast.seconds! > 0, `${instance.id} has an estimate`);
    }
    const [large, small, eight] = await Promise.all(
      GPUS.map((machine) => feasibilityOn(machine, planned, GPU_UNIT)),
    );
    assert.deepEqual(small.misfits.map(({ id }) => id), ["train/dpo", "train/rpo"]);
    assert.match(
      misfitText(small.misfits[0], small.machine.memoryBytes),
      /^train\/dpo needs 1\d\d\.\d GB of 80\.0 GB: weights (29|34)\.\d GB, gradients (29|34)\.\d GB, moments (57|68)\.\d GB, update 0\.8 GB, activations .* with offloadMoments: true$/,
    );
    const hours = small.seconds.map(({ seconds }) => seconds / 3600);
    assert(hours[0] > hours[1] && hours[1] > hours[2], "float32, TF32, bfloat16");
    assert.deepEqual(large.seconds, small.seconds, "the same processor");
    assert(eight.seconds[0].seconds < small.seconds[0].seconds);
    assert(eight.seconds[0].seconds > small.seconds[0].seconds / 8, "not all is divided");
    for (const { needs } of [large, small, eight]) assert.equal(needs.length, 7, "all models");
  });
}

Deno.test("on eight GPUs each holds the weights, their gradients and an eighth of the moments", async () => {
  const parameters = { "zephyr-7b-beta": 7241732096, "zephyr-7b-gemma": 8537680896 };
  for (const [name, weights] of Object.entries(parameters)) {
    const planned = await planOf(name);
    const [one, , eight] = await Promise.all(
      GPUS.map((machine) => feasibilityOn(machine, planned, GPU_UNIT)),
    );
    const bytesOf = ({ needs }: Feasibility, what: string) =>
      needs.find(({ id }) => id === "train/rpo")!.parts.find((part) => part.what === what)!.bytes;
    for (const what of ["weights", "gradients"]) {
      assert.deepEqual([bytesOf(one, what), bytesOf(eight, what)], [4 * weights, 4 * weights]);
    }
    assert.deepEqual([bytesOf(one, "moments"), bytesOf(eight, "moments")], [8 * weights, weights]);
    assert(bytesOf(eight, "activations") <= bytesOf(one, "activations"));
    assert.equal(bytesOf(eight, "the device's own"), bytesOf(one, "the device's own"));
  }
});

Deno.test("one GPU has one process, however many a recipe asks for", async () => {
  const planned = await planOf("zephyr-7b-beta", ["train.device=cuda:0", "train.processes=8"]);
  const asked = await planOf("zephyr-7b-beta", ["train.device=cuda:0"]);
  for (const machine of GPUS) {
    const found = await feasibilityOn(machine, planned, GPU_UNIT);
    const { processes } = found.needs.find(({ id }) => id === "train/rpo")!;
    assert.equal(processes, machine.gpus);
    assert.deepEqual(found, await feasibilityOn(machine, asked, GPU_UNIT), machine.name);
  }
});

Deno.test("Mistral 7B trains whole on 141 GB and on eight of 80 GB; else it and Gemma 7B offload moments", async () => {
  const changesOf = async (name: string) => {
    const planned = await planOf(name);
    const found = await Promise.all(GPUS.map((one) => feasibilityOn(one, planned, GPU_UNIT)));
    return found.map(({ misfits: [misfit] }) => misfit?.change?.params ?? null);
  };
  const offloaded = { offloadMoments: true };
  assert.deepEqual(await changesOf("zephyr-7b-beta"), [null, offloaded, null]);
  assert.deepEqual(await changesOf("zephyr-7b-gemma"), [offloaded, offloaded, offloaded]);
});

Deno.test("Mistral 7B needs 16 bytes for each of its weights before anything is kept of a batch", async () => {
  const planned = await planOf("zephyr-7b-beta");
  const { memory } = planned.find(({ instance }) => instance.id === "train/rpo")!.forecast;
  const of = (what: string) => memory!.find((part) => part.what === what)!.bytes;
  assert.equal(of("weights") + of("gradients") + of("moments"), 16 * 7241732096);
  assert(totalBytes(memory)! < 141e9, "on a GPU of 141 GB there is room");
});

Deno.test("the shape that a recipe expects is counted, and held to the model that is there", async () => {
  const { expects } = paramsOf(await instancesOf("zephyr-7b-gemma"), "base") as {
    expects: ExpectedModel;
  };
  assert.equal(expectedModel.safeParse({ ...expects, layers: 27 }).success, false);
  assert.deepEqual(unexpectedShape(expects, expects, "model"), []);
  const { tiedEmbeddings: _, ...rest } = expects;
  assert.deepEqual(unexpectedShape(expects, { ...rest, tiedEmbeddings: false }, "model"), [
    { path: "model: tiedEmbeddings", message: "Expected 1, as the recipe says, but found 0." },
    {
      path: "model: parameters",
      message: `Expected 8537680896, as the recipe says, but found ${8537680896 + 256000 * 3072}.`,
    },
  ]);
});
