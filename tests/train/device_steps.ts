import {
  type Dtype,
  ELEMENT_BYTES,
  elementCount,
  type Tensor,
  type TypedArrayOf,
} from "../../core/tensor.ts";
import type { TrainingState } from "../../train/checkpoint.ts";
import { loadAdapter } from "../../train/models/adapter.ts";
import type { AttentionBlocks } from "../../train/models/attention_blocks.ts";
import type { Family } from "../../train/models/families.ts";
import type { Weights } from "../../train/models/model.ts";
import type { Ranks } from "../../train/parallel/ranks.ts";
import { RotaryAngles } from "../../train/models/rotary_angles.ts";
import { pairFeeds } from "../../train/pair_packs.ts";
import type { PlacedTensor, Runtime } from "../../train/runtime/open_runtime.ts";
import type { MomentPrecision } from "../../train/precision.ts";
import { weightParts } from "../../train/trained_weights.ts";
import { type BatchGradient, initialState, TrainingStep } from "../../train/training_step.ts";
import { golden, goldenFolder, goldenModel, goldenPairs } from "./golden.ts";

const LOSS = { loss: "rpo", beta: 0.1, eta: 0.05, sft: "sum" } as const;
/** As on a device. */
const RESTS = false;
const PAIRS = 4;
const ADAMW = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 };

/**
 * The processor under a GPU's name: graphs are written as for a GPU, and placed tensors are copies,
 * side by side in one piece of memory.
 */
export class HostAsDevice implements Runtime {
  readonly name = "host-as-device";
  readonly description = this.name;
  readonly version;
  readonly options = { threads: 1, device: "cuda:0" } as const;
  /** Of all that was ever placed. */
  placedBytes = 0;

  constructor(private readonly host: Runtime) {
    this.version = host.version;
  }

  async session(model: Uint8Array) {
    return await this.host.session(model);
  }

  place<D extends Dtype>({ dtype, dims, data }: Tensor<D>): PlacedTensor<D> {
    this.placedBytes += data.byteLength;
    return this.host.place({ dtype, dims, data: data.slice() as TypedArrayOf[D] });
  }

  zeros<D extends Dtype>(dtype: D, dims: readonly number[]): PlacedTensor<D> {
    this.placedBytes += ELEMENT_BYTES[dtype] * elementCount(dims);
    return this.host.zeros(dtype, dims);
  }
}

/** What two steps are of. */
export interface StepsOptions {
  readonly family: Family;
  readonly adapted: boolean;
  readonly vocabularyChunk?: number;
  readonly attentionBlocks?: AttentionBlocks;
  /** Processes that each take some of the parts. */
  readonly ranks?: Ranks;
  readonly moments?: MomentPrecision;
  readonly offloadMoments?: boolean;
  /** Whether the second step is taken by another one, opened on the first one's state, as after a stop. */
  readonly reopens?: boolean;
}

/** What two steps came to. */
interface TwoSteps {
  /** What the last one gathered. */
  readonly gradient: BatchGradient;
  readonly norms: ReadonlyMap<string, number>;
  readonly weights: Weights;
  /** Of several ranks the first one's. */
  readonly state: TrainingState | null;
}

/** Two steps on the golden pairs, each in two parts. */
export async function twoSteps(runtime: Runtime, options: StepsOptions): Promise<TwoSteps> {
  const { model, trained, open } = await opener(runtime, options);
  const { ranks, moments, reopens, attentionBlocks } = options;
  let step = await open(initialState(trained, { moments }));
  const all = partsOf(model.config, attentionBlocks);
  const parts = all.filter((_, i) => ranks === undefined || i % ranks.size === ranks.rank);
  let gradient: BatchGradient;
  let norms: ReadonlyMap<string, number>;
  for (const learningRate of [1e-3, 5e-4]) {
    await step.gather(parts, undefined, PAIRS);
    step.discard();
    gradient = await step.gather(parts, undefined, PAIRS);
    norms = await gradient.norms();
    await step.update(gradient.gradNorm, learningRate);
    if (!reopens || learningRate === 5e-4) continue;
    const state = (await step.state())!;
    await step.release();
    step = await open(state);
  }
  const weights = new Map([...await step.weights()].map(([name, { dims, data }]) => [
    name,
    { dtype: "float32" as const, dims, data: data.slice() },
  ]));
  const state = await step.state();
  await step.release();
  return { gradient: gradient!, norms: norms!, weights, state };
}

/** A golden model, what of it is trained, and what opens a step on a state. */
async function opener(
  runtime: Runtime,
  { family, adapted, vocabularyChunk, attentionBlocks, ranks, moments, offloadMoments }:
    StepsOptions,
) {
  const model = await goldenModel(family);
  const adapter = adapted
    ? await loadAdapter(goldenFolder(`${family}/lora_initial`), model.config)
    : undefined;
  const { trained, frozen } = weightParts({ ...model, adapter });
  const options = {
    config: model.config,
    adapter: adapter?.config,
    loss: LOSS,
    frozen,
    rests: RESTS,
    maxGradNorm: 1,
    adamw: ADAMW,
    vocabularyChunk,
    attentionBlocks,
    ranks,
    moments,
    offloadMoments,
  };
  const open = (state: TrainingState) => TrainingStep.open(runtime, state, options);
  return { model, trained, open };
}

function partsOf(
  config: Awaited<ReturnType<typeof goldenModel>>["config"],
  blocks?: AttentionBlocks,
) {
  const { rows } = golden<{ rows: { chosenLogp: number; rejectedLogp: number }[] }>(
    `${config.family}/logps.json`,
  );
  const all = goldenPairs();
  const angles = new RotaryAngles(config);
  const facts = { config, angles, comparesPairs: true, rests: RESTS, blocks, pairs: PAIRS };
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
