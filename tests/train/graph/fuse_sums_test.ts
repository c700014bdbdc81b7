import assert from "node:assert/strict";
import { float32 } from "../../../core/tensor.ts";
import { fuseSums } from "../../../train/graph/fuse_sums.ts";
import { Graph } from "../../../train/graph/graph.ts";
import { liveNodes } from "../../../train/graph/lower.ts";
import { add, linear, mul } from "../../../train/graph/ops.ts";
import { toOnnx } from "../../../train/graph/to_onnx.ts";
import type { Value } from "../../../train/graph/value.ts";
import { openRuntime } from "../../../train/runtime/open_runtime.ts";
import { numbers } from "./check_gradient.ts";

const INPUTS = {
  x: float32([1, 2, 2], Float32Array.of(1, 2, 3, 4)),
  y: float32([1, 2, 2], Float32Array.of(10, 20, 30, 40)),
  weight: float32([2, 2], Float32Array.of(1, 0, 2, 1)),
  bias: float32([2], Float32Array.of(100, 200)),
};
const DIMS = { x: [1, "N", 2], y: [1, "N", 2], weight: [2, 2], bias: [2] };

type Inputs = Readonly<Record<keyof typeof INPUTS, Value>>;

/** A graph with the inputs that are asked for. */
function graphOf(build: (inputs: Inputs) => Record<string, Value>): Graph {
  const graph = new Graph({ dtype: "float32" });
  const inputs = new Proxy({} as Inputs, {
    get: (_, name: keyof typeof DIMS) =>
      graph.inputs.get(name) ?? graph.input(name, "float32", DIMS[name]),
  });
  for (const [name, value] of Object.entries(build(inputs))) graph.output(name, value);
  return graph;
}

/** The products, adding or not, and sums that are left. */
function opsOf(graph: Graph): string[] {
  return liveNodes(fuseSums(graph)).map(({ op }) => op).filter((op) => op !== "Reshape").sort();
}

async function valueOf(graph: Graph): Promise<number[]> {
  const session = await (await openRuntime({ threads: 1 })).session(toOnnx(graph));
  const results = await session.run(
    Object.fromEntries(session.inputs.map((name) => [name, INPUTS[name as keyof typeof INPUTS]])),
  );
  await session.release();
  return numbers(results.sum);
}

Deno.test("a product is added as it is computed, on either side of a sum", async () => {
  // x · Wᵀ = [1, 4], [3, 10]
  const left = graphOf(({ x, y, weight }) => ({ sum: add(linear(x, weight), y) }));
  const right = graphOf(({ x, y, weight }) => ({ sum: add(y, linear(x, weight)) }));
  for (const graph of [left, right]) {
    assert.deepEqual(opsOf(graph), ["GemmAdd"]);
    assert.deepEqual(await valueOf(graph), [11, 24, 33, 50]);
  }
});

Deno.test("of two products one is added to the other", async () => {
  const graph = graphOf(({ x, y, weight }) => ({
    sum: add(linear(x, weight), linear(y, weight)),
  }));
  assert.deepEqual(opsOf(graph), ["Gemm", "GemmAdd"]);
  assert.deepEqual(await valueOf(graph), [11, 44, 33, 110]);
});

Deno.test("a product that something else needs stays a product", async () => {
  const graph = graphOf(({ x, y, weight }) => {
    const product = linear(x, weight);
    return { sum: add(mul(product, product), add(product, y)) };
  });
  assert.deepEqual(opsOf(graph), ["Add", "Add", "Gemm", "Mul"]);
  assert.deepEqual(await valueOf(graph), [1 + 11, 16 + 24, 9 + 33, 100 + 50]);
});

Deno.test("a product that is put out stays a product", () => {
  const graph = graphOf(({ x, y, weight }) => {
    const product = linear(x, weight);
    return { product, sum: add(product, y) };
  });
  assert.deepEqual(opsOf(graph), ["Add", "Gemm"]);
});

Deno.test("a sum that repeats its other operand stays a sum", async () => {
  const graph = graphOf(({ x, weight, bias }) => ({ sum: add(linear(x, weight), bias) }));
  assert.deepEqual(opsOf(graph), ["Add", "Gemm"]);
  assert.deepEqual(await valueOf(graph), [101, 204, 103, 210]);
});
