import assert from "node:assert/strict";
import { type Dtype, elementCount, type Tensor, type TypedArrayOf } from "../../core/tensor.ts";
import { allBlocks, OptimiserStep } from "../../train/optimiser_step.ts";
import { parseModelConfig } from "../../train/models/config.ts";
import { initializeModel } from "../../train/models/model.ts";
import { placeState } from "../../train/placed_state.ts";
import type { PlacedTensor, Runtime, Session } from "../../train/runtime/open_runtime.ts";
import { initialState, TrainingStep } from "../../train/training_step.ts";

/** A runtime that computes nothing, fails at the n-th thing it is asked for, and counts what it lent. */
class FailingRuntime implements Runtime {
  readonly name = "failing";
  readonly description = this.name;
  readonly version = "0";
  readonly options = { threads: 1 };
  /** Sessions and tensors that were not given back. */
  readonly lent = new Set<object>();
  #asked = 0;

  constructor(readonly failsAt: number) {}

  // deno-lint-ignore require-await -- so that every failure is a rejection
  async session(): Promise<Session> {
    const session: Session = {
      inputs: [],
      outputs: [],
      run: () => Promise.reject(new Error("never run")),
      prepare: () => {
        this.#count();
        const release = () => {};
        return { run: () => Promise.resolve(), release, [Symbol.dispose]: release };
      },
      // deno-lint-ignore require-await -- as an interface has it
      release: async () => void this.lent.delete(session),
    };
    return this.#lend(session);
  }

  place<D extends Dtype>({ dtype, dims, data }: Tensor<D>): PlacedTensor<D> {
    const release = () => void this.lent.delete(placed);
    const placed: PlacedTensor<D> = {
      dtype,
      dims,
      read: () => Promise.resolve({ dtype, dims, data }),
      write: () => {},
      clear: () => {},
      copyFrom: () => {},
      piece: (_, count) => this.place({ dtype, dims: [count], data }),
      release,
      [Symbol.dispose]: release,
    };
    return this.#lend(placed);
  }

  zeros<D extends Dtype>(dtype: D, dims: readonly number[]): PlacedTensor<D> {
    return this.place(zerosOf(dtype, dims));
  }

  #lend<T extends object>(lent: T): T {
    this.#count();
    this.lent.add(lent);
    return lent;
  }

  #count(): void {
    if (++this.#asked === this.failsAt) throw new Error("refused");
  }
}

const model = initializeModel(
  parseModelConfig({
    model_type: "llama",
    vocab_size: 5,
    hidden_size: 4,
    intermediate_size: 4,
    num_hidden_layers: 1,
    num_attention_heads: 1,
    num_key_value_heads: 1,
  }, "config.json"),
  1,
);

const adamw = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 };

const openings = {
  TrainingStep: (runtime: Runtime) =>
    TrainingStep.open(runtime, initialState(model.weights), {
      config: model.config,
      loss: { loss: "dpo", beta: 0.1 },
      frozen: new Map(),
      maxGradNorm: 1,
      adamw,
    }),
  OptimiserStep: async (runtime: Runtime) => {
    await using stack = new AsyncDisposableStack();
    const [weights, gradients, firstMoments, secondMoments] = Array.from(
      { length: 4 },
      () => placeState(runtime, model.weights, stack),
    );
    const tensors = { weights, gradients, firstMoments, secondMoments };
    const step = await OptimiserStep.open(runtime, allBlocks(runtime, tensors), adamw);
    const placed = stack.move();
    return {
      release: async () => {
        await step.release();
        await placed.disposeAsync();
      },
    };
  },
};

function zerosOf<D extends Dtype>(dtype: D, dims: readonly number[]): Tensor<D> {
  const data = new Float32Array(elementCount(dims)) as TypedArrayOf[Dtype];
  return { dtype, dims, data: data as TypedArrayOf[D] };
}

for (const [name, open] of Object.entries(openings)) {
  Deno.test(`${name}.open() gives back all it opened, whichever part does not open`, async () => {
    for (let failsAt = 1;; failsAt++) {
      const runtime = new FailingRuntime(failsAt);
      let step;
      try {
        step = await open(runtime);
      } catch (error) {
        assert.deepEqual(error, new Error("refused"));
        assert.equal(runtime.lent.size, 0, `refused at ${failsAt}`);
        continue;
      }
      // Nothing was refused: sessions, and four pieces of each parameter at the least.
      assert(failsAt > 4 * model.weights.size && runtime.lent.size > 4 * model.weights.size);
      await step.release();
      assert.equal(runtime.lent.size, 0);
      return;
    }
  });
}
