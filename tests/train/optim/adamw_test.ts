import assert from "node:assert/strict";
import type { Tensor } from "../../../core/tensor.ts";
import { toOnnx } from "../../../train/graph/to_onnx.ts";
import {
  adamwGraph,
  type AdamwOptions,
  adamwScalars,
  clipScale,
  squaresGraph,
} from "../../../train/optim/adamw.ts";
import { openRuntime } from "../../../train/runtime/open_runtime.ts";

const PARAMETER = [0.5, -1, 2];
const GRADIENTS = [[0.1, -0.2, 3], [-0.4, 0.2, 1e-4], [0, 0, -2], [0.3, -0.3, 0.3]];

/** PyTorch's AdamW as its documentation states it, in the order that its single-tensor code takes. */
function torchAdamw(options: AdamwOptions & { readonly learningRate: number }): number[][] {
  const { beta1, beta2, epsilon, weightDecay, learningRate } = options;
  const p = [...PARAMETER];
  const m = p.map(() => 0);
  const v = p.map(() => 0);
  return GRADIENTS.map((gradient, t) => {
    gradient.forEach((g, i) => {
      p[i] *= 1 - learningRate * weightDecay;
      m[i] = beta1 * m[i] + (1 - beta1) * g;
      v[i] = beta2 * v[i] + (1 - beta2) * g * g;
      const corrected = Math.sqrt(v[i]) / Math.sqrt(1 - beta2 ** (t + 1));
      p[i] -= learningRate / (1 - beta1 ** (t + 1)) * m[i] / (corrected + epsilon);
    });
    return [...p];
  });
}

function scalar(value: number): Tensor {
  return { dtype: "float64", dims: [], data: Float64Array.of(value) };
}

function vector(values: readonly number[]): Tensor {
  return { dtype: "float64", dims: [values.length], data: Float64Array.from(values) };
}

/** The same in a graph, in float64; each step writes over the state that it reads. */
async function graphAdamw(
  options: AdamwOptions & { readonly learningRate: number },
): Promise<number[][]> {
  const runtime = await openRuntime({ threads: 1 });
  const session = await runtime.session(toOnnx(adamwGraph(options, { dtype: "float64" })));
  const state = {
    value: vector(PARAMETER),
    gradient: vector([0, 0, 0]),
    m: vector([0, 0, 0]),
    v: vector([0, 0, 0]),
  };
  const into = Object.fromEntries(
    Object.entries(state).map(([name, tensor]) => [`next/${name}`, tensor]),
  );
  const found: number[][] = [];
  for (const [t, gradient] of GRADIENTS.entries()) {
    (state.gradient.data as Float64Array).set(gradient);
    const scalars = { ...adamwScalars(options, t + 1, options.learningRate), scale: 1 };
    const feeds = Object.entries(scalars).filter(([name]) => session.inputs.includes(name))
      .map(([name, number]) => [name, scalar(number)]);
    await session.run({ ...state, ...Object.fromEntries(feeds) }, {
      into,
      inPlace: Object.keys(into),
    });
    found.push(Array.from(state.value.data as Float64Array));
    assert.deepEqual([...state.gradient.data], [0, 0, 0]);
  }
  await session.release();
  return found;
}

Deno.test("adamwGraph() equals PyTorch's update over several steps, weight decay included", async () => {
  const options = {
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    weightDecay: 0.1,
    learningRate: 0.01,
  };
  const expected = torchAdamw(options);
  (await graphAdamw(options)).forEach((values, step) =>
    values.forEach((value, i) =>
      assert(Math.abs(value - expected[step][i]) < 1e-14, `step ${step + 1}, element ${i}`)
    )
  );
});

Deno.test("adamwGraph() moves each element by the learning rate at the first step, derived by hand", async () => {
  const options = { beta1: 0.9, beta2: 0.99, epsilon: 1e-12, weightDecay: 0.5, learningRate: 0.1 };
  const [first] = await graphAdamw(options);
  // The corrected moments of one gradient are g and g², so the step is lr · sign(g) + lr · λ · p.
  const expected = PARAMETER.map((p, i) => p - 0.1 * Math.sign(GRADIENTS[0][i]) - 0.1 * 0.5 * p);
  first.forEach((value, i) => assert(Math.abs(value - expected[i]) < 1e-9, `${value}`));
});

Deno.test("clipScale() is maxNorm / (norm + 1e-6), and 1 for small gradients and for none", () => {
  // ‖(3, 4, 12)‖ = 13.
  assert.equal(clipScale(13, 1), 1 / (13 + 1e-6));
  assert.equal(clipScale(0.5, 1), 1);
  assert.equal(clipScale(0, 1), 1);
});

Deno.test("squaresGraph() sums squares of any number of elements", async () => {
  const session = await (await openRuntime({ threads: 1 })).session(toOnnx(squaresGraph()));
  for (const x of [[3, 4, 12], [], [-2]]) {
    const feed = { dtype: "float32", dims: [x.length], data: Float32Array.from(x) } as const;
    const { squares } = await session.run({ x: feed });
    assert.deepEqual([...squares.data], [x.reduce((sum, value) => sum + value * value, 0)]);
  }
  await session.release();
});
