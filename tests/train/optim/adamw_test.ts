import assert from "node:assert/strict";
import type { Tensor } from "../../../core/tensor.ts";
import { Graph } from "../../../train/graph/graph.ts";
import { add } from "../../../train/graph/ops.ts";
import { toOnnx } from "../../../train/graph/to_onnx.ts";
import { adamw, type AdamwOptions, adamwScalars } from "../../../train/optim/adamw.ts";
import { chain, type Transformation } from "../../../train/optim/transformation.ts";
import { clipByGlobalNorm } from "../../../train/optim/clip_by_global_norm.ts";
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

/** The same in a graph, in float64. */
async function graphAdamw(
  options: AdamwOptions & { readonly learningRate: number },
): Promise<number[][]> {
  const graph = new Graph({ dtype: "float64" });
  const input = (name: string, dims: number[] = []) => graph.input(name, "float64", dims);
  const value = input("p", [3]);
  const inputs = { stepSize: input("stepSize"), epsilon: input("epsilon"), decay: input("decay") };
  const state = { m: [input("m", [3])], v: [input("v", [3])] };
  const parameters = [{ name: "p", value }];
  const result = adamw(options, inputs).update([input("g", [3])], state, parameters);
  graph.output("next/p", add(value, result.updates[0]));
  graph.output("next/m", result.state.m[0]);
  graph.output("next/v", result.state.v[0]);
  const session = await (await openRuntime({ threads: 1 })).session(toOnnx(graph));
  let current: Record<string, Tensor> = {
    p: vector(PARAMETER),
    m: vector([0, 0, 0]),
    v: vector([0, 0, 0]),
  };
  const found: number[][] = [];
  for (const [t, gradient] of GRADIENTS.entries()) {
    const scalars = adamwScalars(options, t + 1, options.learningRate);
    const feeds = Object.entries(scalars).map(([name, number]) => [name, scalar(number)]);
    const results = await session.run({
      ...current,
      ...Object.fromEntries(feeds),
      g: vector(gradient),
    });
    current = { p: results["next/p"], m: results["next/m"], v: results["next/v"] };
    found.push(Array.from(current.p.data as Float64Array));
  }
  await session.release();
  return found;
}

Deno.test("adamw() equals PyTorch's update over several steps, weight decay included", async () => {
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

Deno.test("adamw() moves each element by the learning rate at the first step, derived by hand", async () => {
  const options = { beta1: 0.9, beta2: 0.99, epsilon: 1e-12, weightDecay: 0.5, learningRate: 0.1 };
  const [first] = await graphAdamw(options);
  // The corrected moments of one gradient are g and g², so the step is lr · sign(g) + lr · λ · p.
  const expected = PARAMETER.map((p, i) => p - 0.1 * Math.sign(GRADIENTS[0][i]) - 0.1 * 0.5 * p);
  first.forEach((value, i) => assert(Math.abs(value - expected[i]) < 1e-9, `${value}`));
});

/** What clipping makes of two gradients. */
async function clipped(gradients: readonly number[][], maxNorm: number): Promise<number[][]> {
  const graph = new Graph({ dtype: "float64" });
  const inputs = gradients.map((g, i) => graph.input(`g${i}`, "float64", [g.length]));
  const { updates } = clipByGlobalNorm(maxNorm).update(inputs, {}, []);
  updates.forEach((update, i) => graph.output(`u${i}`, update));
  const session = await (await openRuntime({ threads: 1 })).session(toOnnx(graph));
  const feeds = gradients.map((g, i) => [`g${i}`, vector(g)]);
  const results = await session.run(Object.fromEntries(feeds));
  await session.release();
  return gradients.map((_, i) => Array.from(results[`u${i}`].data as Float64Array));
}

Deno.test("clipByGlobalNorm() scales by maxNorm / (norm + 1e-6), all tensors together", async () => {
  // ‖(3, 4, 12)‖ = 13.
  const [a, b] = await clipped([[3, 4], [12]], 1);
  const scale = 1 / (13 + 1e-6);
  assert.deepEqual(
    [...a, ...b].map((x) => x.toFixed(14)),
    [3, 4, 12].map((x) => (x * scale).toFixed(14)),
  );
});

Deno.test("clipByGlobalNorm() leaves small gradients and zero as they are", async () => {
  assert.deepEqual(await clipped([[0.3, 0.4], [0]], 1), [[0.3, 0.4], [0]]);
  assert.deepEqual(await clipped([[0, 0]], 1), [[0, 0]]);
});

Deno.test("chain() refuses two pieces with one name for their state", () => {
  const piece: Transformation = {
    init: (dims) => ({ m: dims }),
    update: (updates, state) => ({ updates, state }),
  };
  assert.throws(
    () => chain(piece, piece).init([2]),
    new RangeError('Expected slots to differ but found two "m".'),
  );
});
