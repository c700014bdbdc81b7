import assert from "node:assert/strict";
import type { Dtype, Tensor, TypedArrayOf } from "../../core/tensor.ts";
import { loadAdapter } from "../../train/models/adapter.ts";
import { FAMILIES } from "../../train/models/families.ts";
import type { Weights } from "../../train/models/model.ts";
import { RotaryAngles } from "../../train/models/rotary_angles.ts";
import { pairFeeds } from "../../train/pair_packs.ts";
import { openRuntime, type PlacedTensor, type Runtime } from "../../train/runtime/open_runtime.ts";
import { weightParts } from "../../train/trained_weights.ts";
import { type BatchGradient, initialState, TrainingStep } from "../../train/training_step.ts";
import { golden, goldenFolder, goldenModel, goldenPairs, relativeError } from "./golden.ts";

const LOSS = { loss: "rpo", beta: 0.1, eta: 0.05, sft: "sum" } as const;
/** As on a device. */
const RESTS = false;
const ADAMW = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 };

/**
 * The processor under a GPU's name: graphs are written as for a GPU, and placed tensors are copies,
 * side by side in one piece of memory.
 */
class HostAsDevice implements Runtime {
  readonly name = "host-as-device";
  readonly description = this.name;
  readonly version;
  readonly options = { threads: 1, device: "cuda:0" } as const;

  constructor(private readonly host: Runtime) {
    this.version = host.version;
  }

  async session(model: Uint8Array) {
    return await this.host.session(model);
  }

  place<D extends Dtype>({ dtype, dims, data }: Tensor<D>): PlacedTensor<D> {
    return this.host.place({ dtype, dims, data: data.slice() as TypedArrayOf[D] });
  }

  zeros<D extends Dtype>(dtype: D, dims: readonly number[]): PlacedTensor<D> {
    return this.host.zeros(dtype, dims);
  }
}

/** Two steps on the golden pairs, each in two parts; what the last one gave, and the weights after it. */
async function twoSteps(
  runtime: Runtime,
  { family, adapted }: { readonly family: typeof FAMILIES[number]; readonly adapted: boolean },
): Promise<{ gradient: BatchGradient; norms: ReadonlyMap<string, number>; weights: Weights }> {
  const model = await goldenModel(family);
  const adapter = adapted
    ? await loadAdapter(goldenFolder(`${family}/lora_initial`), model.config)
    : undefined;
  const { trained, frozen } = weightParts({ ...model, adapter });
  const step = await TrainingStep.open(runtime, initialState(trained), {
    config: model.config,
    adapter: adapter?.config,
    loss: LOSS,
    frozen,
    rests: RESTS,
    maxGradNorm: 1,
    adamw: ADAMW,
  });
  const parts = partsOf(model.config);
  let gradient: BatchGradient;
  let norms: ReadonlyMap<string, number>;
  for (const learningRate of [1e-3, 5e-4]) {
    await step.gather(parts);
    step.discard();
    gradient = await step.gather(parts);
    norms = await gradient.norms();
    await step.update(gradient.gradNorm, learningRate);
  }
  const weights = new Map([...await step.weights()].map(([name, { dims, data }]) => [
    name,
    { dtype: "float32" as const, dims, data: data.slice() },
  ]));
  await step.release();
  return { gradient: gradient!, norms: norms!, weights };
}

function partsOf(config: Awaited<ReturnType<typeof goldenModel>>["config"]) {
  const { rows } = golden<{ rows: { chosenLogp: number; rejectedLogp: number }[] }>(
    `${config.family}/logps.json`,
  );
  const all = goldenPairs();
  const angles = new RotaryAngles(config);
  const facts = { config, angles, comparesPairs: true, rests: RESTS, pairs: 4 };
  return [[0, 1], [2, 3]].map((members) => {
    const pairs = members.map((i) => all[i]);
    const reference = members.map((i) => ({
      id: all[i].id,
      chosenLogp: rows[i].chosenLogp - 3,
      rejectedLogp: rows[i].rejectedLogp + 2,
      chosenTokens: 0,
      rejectedTokens: 0,
    }));
    const feeds = pairFeeds({ pairs, reference }, { ...facts, meanChosenTokens: 1 });
    return { rows: members, feeds };
  });
}

const cases = [
  ...FAMILIES.map((family) => ({ family, adapted: false })),
  { family: "llama", adapted: true } as const,
];

for (const options of cases) {
  const what = `${options.adapted ? "an adapter to " : ""}${options.family}`;
  Deno.test(`steps of ${what} on a device, as graphs are written for it, equal the CPU's`, async () => {
    const host = await openRuntime({ threads: 1 });
    const expected = await twoSteps(host, options);
    const found = await twoSteps(new HostAsDevice(host), options);
    assert(relativeError(found.gradient.gradNorm, expected.gradient.gradNorm) < 1e-5);
    assert(relativeError(found.gradient.preference, expected.gradient.preference) < 1e-5);
    for (const [name, norm] of expected.norms) {
      assert(relativeError(found.norms.get(name)!, norm) < 1e-4, name);
    }
    for (const [name, { data }] of expected.weights) {
      const other = found.weights.get(name)!.data;
      data.forEach((x, i) => assert(Math.abs(other[i] - x) < 2e-4, `${name}[${i}]`));
    }
  });
}
