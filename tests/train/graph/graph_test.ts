import assert from "node:assert/strict";
import { Graph } from "../../../train/graph/graph.ts";
import * as ops from "../../../train/graph/ops.ts";

function inputs() {
  const graph = new Graph({ dtype: "float32" });
  return {
    graph,
    x: graph.input("x", "float32", ["S", 4]),
    double: graph.input("double", "float64", [4]),
    ids: graph.input("ids", "int64", ["S"]),
    cube: graph.input("cube", "float32", ["S", 3, 4]),
  };
}

Deno.test("Graph makes equal applications of an op once", () => {
  const { graph, x } = inputs();
  assert.equal(ops.mul(x, 2), ops.mul(x, 2));
  assert.notEqual(ops.mul(x, 2), ops.mul(x, 3));
  assert.notEqual(graph.scalar(0), graph.scalar(-0));
  assert.notEqual(graph.scalar(NaN), graph.scalar(Infinity));
  assert.notEqual(graph.scalar(1, "float64"), graph.scalar(1));
});

Deno.test("Graph knows the shapes of results, with symbols", () => {
  const { x, cube, ids } = inputs();
  assert.deepEqual(ops.reshape(cube, ["3*S", 4]).dims, ["3*S", 4]);
  assert.deepEqual(ops.concat([x, x], 0).dims, ["2*S", 4]);
  assert.deepEqual(ops.slice(x, { axis: 0, start: 1, end: "S" }).dims, ["S-1", 4]);
  assert.deepEqual(ops.embedding(x, ids).dims, ["S", 4]);
  assert.deepEqual(ops.reduceSum(cube, { axes: [-2] }).dims, ["S", 4]);
  assert.deepEqual(ops.greater(x, 0).dtype, "bool");
});

Deno.test("Graph refuses names in use and values of another graph", () => {
  const { graph, x } = inputs();
  assert.throws(
    () => graph.input("x", "float32", []),
    new RangeError('Expected an input name that is not in use but found "x".'),
  );
  assert.throws(
    () => graph.output("x", x),
    new RangeError('Expected an output name that is not in use but found "x".'),
  );
  assert.throws(
    () => ops.add(x, inputs().x),
    new RangeError('Add: "x" belongs to another graph.'),
  );
});

type Inputs = ReturnType<typeof inputs>;
const REFUSALS: readonly [string, (values: Inputs) => unknown][] = [
  [
    "Add: expected operands of one dtype but found float32[S, 4], float64[4].",
    ({ x, double }) => ops.add(x, double),
  ],
  [
    "Mul: expected shapes that broadcast but found float32[S, 4], float32[S, 3, 4].",
    ({ x, cube }) => ops.mul(x, cube),
  ],
  ["Exp: expected a floating tensor but found int64[S].", ({ ids }) => ops.exp(ids)],
  [
    "Where: expected a bool condition but found float32[S, 4], float32[S, 4], float32[].",
    ({ x }) => ops.where(x, x, 0),
  ],
  [
    "ReduceSum: expected axis 2 to be one of the tensor's but found float32[S, 4].",
    ({ x }) => ops.reduceSum(x, { axes: [2] }),
  ],
  [
    "Reshape: expected as many elements as [S, 5] holds but found float32[S, 4].",
    ({ x }) => ops.reshape(x, ["S", 5]),
  ],
  [
    "Transpose: expected [1, 1] to be a permutation of the axes but found float32[S, 4].",
    ({ x }) => ops.transpose(x, [1, 1]),
  ],
  [
    "Expand: expected a shape that broadcasts to [3, 4] but found float32[S, 4].",
    ({ x }) => ops.expand(x, [3, 4]),
  ],
  [
    "Concat: expected tensors that differ on axis 0 only but found float32[S, 4], float32[S, 3, 4].",
    ({ x, cube }) => ops.concat([x, cube], 0),
  ],
  [
    "Split: expected axis 1 to be as long as [1, 2] together but found float32[S, 4].",
    ({ x }) => ops.split(x, { axis: 1, sizes: [1, 2] }),
  ],
  [
    "Slice: expected 2 … 5 to lie within axis 1 but found float32[S, 4].",
    ({ x }) => ops.slice(x, { axis: 1, start: 2, end: 5 }),
  ],
  [
    "Gather: expected int64 indices but found float32[S, 4], float32[S, 4].",
    ({ x }) => ops.embedding(x, x),
  ],
  [
    "Gemm: expected inner sizes to be equal, not 4 and S, but found float32[S, 4], float32[S, 4].",
    ({ x }) => ops.gemm(x, x),
  ],
  [
    "RmsNorm: expected a weight as long as the last axis but found float32[S, 4], float32[S, 4].",
    ({ x }) => ops.rmsNorm(x, x, 1e-5),
  ],
  [
    "Rotary: expected x (S, T, H, D) with an even D but found float32[S, 4], float32[S, 4], float32[S, 4].",
    ({ x }) => ops.rotary(x, x, x),
  ],
  [
    "Attention: expected q (S, H, T, D), k and v (S, K, U, D) with numbers of heads H and K but found float32[S, 4], float32[S, 4], float32[S, 4], float32[S, 4].",
    ({ x }) => ops.attention({ q: x, k: x, v: x, mask: x, scale: 1 }),
  ],
  [
    "TokenLogp: expected logits (M, V) and targets (M) but found float32[S, 3, 4], int64[S].",
    ({ cube, ids }) => ops.tokenLogp(cube, ids),
  ],
];

for (const [message, build] of REFUSALS) {
  Deno.test(`building says: ${message}`, () => {
    assert.throws(() => build(inputs()), new RangeError(message));
  });
}

Deno.test("two numbers have no graph to be added in", () => {
  assert.throws(
    () => ops.add(1, 2),
    new TypeError("Expected a value among the operands but found 1 and 2."),
  );
});
