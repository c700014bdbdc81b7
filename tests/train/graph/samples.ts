import { float32 } from "../../../core/tensor.ts";
import type { DifferentiableOp } from "../../../train/graph/vjp_rules.ts";
import * as ops from "../../../train/graph/ops.ts";
import type { Value } from "../../../train/graph/value.ts";

/** An operand drawn uniformly from a domain on which the op is smooth. */
export interface RandomOperand {
  readonly dims: readonly number[];
  readonly domain: readonly [number, number];
}

/** An operand that is given: indices (int64) and conditions (bool) have no gradient. */
export interface GivenOperand {
  readonly dims: readonly number[];
  readonly dtype: "int64" | "bool";
  readonly values: readonly number[];
}

/** One application of an op: what is fed, and how the value is built from it. */
export interface Sample {
  readonly operands: readonly (RandomOperand | GivenOperand)[];
  readonly build: (...values: Value[]) => Value;
}

const real = (...dims: number[]): RandomOperand => ({ dims, domain: [-2, 2] });
const positive = (...dims: number[]): RandomOperand => ({ dims, domain: [0.5, 3] });
/** Apart from what `real` draws, so that no step crosses the kink where the two are equal. */
const above = (...dims: number[]): RandomOperand => ({ dims, domain: [2.1, 3] });
const indices = (dims: number[], values: number[]): GivenOperand => ({
  dims,
  dtype: "int64",
  values,
});
const condition = (dims: number[], values: number[]): GivenOperand => ({
  dims,
  dtype: "bool",
  values,
});

const each = (
  shapes: readonly (readonly (RandomOperand | GivenOperand)[])[],
  build: Sample["build"],
): readonly Sample[] => shapes.map((operands) => ({ operands, build }));

const unary = (build: (x: Value) => Value, operand = real) =>
  each([[operand()], [operand(3)], [operand(2, 3, 4)]], build);

const binary = (build: (a: Value, b: Value) => Value, left = real, right = real) =>
  each([
    [left(3), right(3)],
    [left(2, 3), right(3)],
    [left(2, 1, 4), right(3, 1)],
    [left(), right(2, 2)],
  ], build);

const routed = (x: Value, index: Value, inverse: Value) => ops.route(x, { index, inverse });

const range = (count: number) => Array.from({ length: count }, (_, i) => i);

/** Attention in blocks of two queries, or of all where they are odd, with an order of the keys. */
const inBlocks = ([q, k, v]: Value[], order: readonly number[]) => {
  const { graph, dims: [, , time] } = q;
  const count = Number(time) % 2 === 0 ? Number(time) / 2 : 1;
  const keys = Number(k.dims[2]);
  const tensor = (dims: number[], values: readonly number[]) =>
    ops.cast(graph.constant(float32(dims, Float32Array.from(values))), q.dtype);
  return ops.blockAttention({
    ...{ q, k, v, scale: 0.5 },
    queryOrder: tensor([count, Number(time) / count, 1], range(Number(time))),
    keyOrder: tensor([order.length / keys, 1, 1, keys], order),
  });
};

/** The same under the mask of that order, in blocks that need not be alike. */
const recomputed = ([q, k, v]: Value[], order: readonly number[]) => {
  const time = Number(q.dims[2]);
  const keys = Number(k.dims[2]);
  const tensor = (dims: number[], values: readonly number[]) =>
    q.graph.constant(float32(dims, Float32Array.from(values)));
  const isBehind = ops.greater(
    tensor([order.length / keys, 1, 1, keys], order),
    tensor([1, time, 1], range(time)),
  );
  const mask = ops.mul(ops.cast(isBehind, q.dtype), ops.HIDDEN);
  return ops.recomputedAttention({ ...{ q, k, v, mask, scale: 0.5 }, blocks: [1, time - 1] });
};

/** The causal mask of queries (S, H, T, D) with as many keys. */
const causal = (q: Value) => ops.cast(ops.causalMask(q.graph, q.dims[2]), q.dtype);

const ROTARY = [[1, 1, 1, 2], [2, 3, 1, 4], [1, 4, 3, 6]] as const;

/** At least three shapes for every op that has a gradient; leaving an op out does not compile. */
export const SAMPLES: { readonly [Op in DifferentiableOp]: readonly Sample[] } = {
  Neg: unary(ops.neg),
  Exp: unary(ops.exp),
  Log: unary(ops.log, positive),
  Sqrt: unary(ops.sqrt, positive),
  Reciprocal: unary(ops.reciprocal, positive),
  Sigmoid: unary(ops.sigmoid),
  Tanh: unary(ops.tanh),
  Softplus: unary(ops.softplus),
  Relu: [...unary(ops.relu, positive), ...unary((x) => ops.relu(ops.neg(x)), above)],
  Abs: [...unary(ops.abs, positive), ...unary((x) => ops.abs(ops.neg(x)), above)],
  Add: binary(ops.add),
  Sub: binary(ops.sub),
  Mul: binary(ops.mul),
  Div: binary(ops.div, real, positive),
  Min: [...binary(ops.min, real, above), ...binary(ops.min, above, real)],
  Max: [...binary(ops.max, real, above), ...binary(ops.max, above, real)],
  Where: each([
    [condition([3], [1, 0, 1]), real(3), real(3)],
    [condition([2, 1], [1, 0]), real(2, 3), real(3)],
    [condition([3], [0, 0, 1]), real(), real(2, 3)],
  ], ops.where),
  Cast: unary((x) => ops.cast(ops.cast(x, "float64"), x.dtype)),
  ReduceSum: [
    ...each([[real(3)], [real(2, 3)], [real(2, 3, 4)]], (x) => ops.reduceSum(x)),
    ...each([[real(2, 3)], [real(1, 2, 3)]], (x) => ops.reduceSum(x, { axes: [1] })),
    ...each([[real(2, 3, 2)]], (x) => ops.reduceSum(x, { axes: [0, 2], keepDims: true })),
  ],
  ReduceMean: [
    ...each([[real(3)], [real(2, 3)], [real(2, 3, 4)]], (x) => ops.reduceMean(x)),
    ...each([[real(2, 3)], [real(4, 1)]], (x) => ops.reduceMean(x, { axes: [-1] })),
    ...each([[real(2, 3, 2)]], (x) => ops.reduceMean(x, { axes: [0, 2], keepDims: true })),
  ],
  ReduceMax: [
    ...each([[real(3)], [real(2, 3)]], (x) => ops.reduceMax(x)),
    ...each([[real(2, 3)], [real(2, 3, 4)]], (x) => ops.reduceMax(x, { axes: [1] })),
    ...each([[real(2, 4)]], (x) => ops.reduceMax(x, { axes: [-1], keepDims: true })),
  ],
  Softmax: each([[real(3)], [real(2, 3)], [real(2, 1, 5)]], ops.softmax),
  Reshape: [
    ...each([[real(6)], [real(2, 3)]], (x) => ops.reshape(x, [3, 2])),
    ...each([[real()]], (x) => ops.reshape(x, [1, 1])),
  ],
  Transpose: [
    ...each([[real(2, 3)], [real(1, 4)]], (x) => ops.transpose(x, [1, 0])),
    ...each([[real(2, 3, 4)]], (x) => ops.transpose(x, [2, 0, 1])),
  ],
  Expand: each([[real()], [real(3)], [real(2, 1)], [real(2, 3)]], (x) => ops.expand(x, [2, 2, 3])),
  Concat: [
    ...each([[real(2, 3), real(2, 1)]], (a, b) => ops.concat([a, b], -1)),
    ...each([[real(1, 3), real(2, 3)]], (a, b) => ops.concat([a, b, a], 0)),
    ...each([[real(2), real(3)]], (a, b) => ops.concat([a, b], 0)),
  ],
  Split: [
    ...each([[real(2, 3)]], (x) => {
      const [a, b] = ops.split(x, { axis: 1, sizes: [1, 2] });
      return ops.mul(a, b);
    }),
    ...each([[real(4)], [real(4, 2)]], (x) => ops.split(x, { axis: 0, sizes: [1, 3] })[1]),
  ],
  Slice: [
    ...each([[real(4)], [real(4, 2)]], (x) => ops.slice(x, { axis: 0, start: 1, end: 3 })),
    ...each([[real(2, 3)]], (x) => ops.slice(x, { axis: -1, start: 0, end: 2 })),
    ...each([[real(2, 3)]], (x) => ops.slice(x, { axis: 1, start: 1, end: 3 })),
  ],
  Gather: [
    ...each([
      [real(4, 2), indices([3], [2, 0, 2])],
      [real(3, 2), indices([2, 2], [1, 1, 1, 0])],
      [real(5), indices([4], [4, 4, 0, 4])],
      [real(2, 2, 3), indices([], [1])],
      [real(3, 2, 2), indices([2, 1], [2, 1])],
    ], ops.embedding),
  ],
  GatherElements: [
    ...each([
      [real(2, 3), indices([2, 1], [2, 0])],
      [real(2, 3), indices([2, 4], [2, 2, 2, 0, 1, 1, 0, 1])],
    ], (x, at) => ops.gatherElements(x, at, -1)),
    ...each([[real(3), indices([2], [1, 1])]], (x, at) => ops.gatherElements(x, at, 0)),
  ],
  ScatterElementsAdd: [
    ...each([
      [real(2, 3), indices([2, 1], [2, 0]), real(2, 1)],
      [real(1, 3), indices([1, 2], [1, 1]), real(1, 2)],
    ], (x, at, updates) => ops.scatterElementsAdd(x, { indices: at, updates, axis: 1 })),
    ...each([
      [real(3), indices([2], [1, 1]), real(2)],
    ], (x, at, updates) => ops.scatterElementsAdd(x, { indices: at, updates, axis: 0 })),
  ],
  Gemm: [
    ...each([[real(2, 3), real(4, 3)], [real(2, 2, 3), real(4, 3)]], (x, w) => ops.linear(x, w)),
    ...each([[real(2, 3), real(3, 4)]], (a, b) => ops.gemm(a, b)),
    ...each([[real(3, 2), real(3, 4)]], (a, b) => ops.gemm(a, b, { transposeA: true })),
    ...each(
      [[real(3, 2), real(4, 3)]],
      (a, b) => ops.gemm(a, b, { transposeA: true, transposeB: true }),
    ),
  ],
  BatchMatMul: [
    ...each([
      [real(2, 3), real(3, 4)],
      [real(2, 2, 3), real(2, 3, 1)],
      [real(2, 1, 2, 3), real(3, 3, 2)],
    ], (a, b) => ops.matmul(a, b)),
    ...each([[real(2, 3, 2), real(2, 3, 4)]], (a, b) => ops.matmul(a, b, { transposeA: true })),
    ...each([[real(2, 2, 3), real(2, 4, 3)]], (a, b) => ops.matmul(a, b, { transposeB: true })),
    ...each(
      [[real(2, 3, 2), real(1, 4, 3)]],
      (a, b) => ops.matmul(a, b, { transposeA: true, transposeB: true, scale: 0.3 }),
    ),
  ],
  RmsNorm: each(
    [[real(3), real(3)], [real(2, 4), real(4)], [real(2, 3, 5), real(5)]],
    (x, weight) => ops.rmsNorm(x, weight, 1e-5),
  ),
  GatedActivation: (["silu", "gelu_tanh"] as const).flatMap((activation) =>
    each(
      [[real(3), real(3)], [real(2, 4), real(2, 4)], [real(2, 3, 5), real(2, 3, 5)]],
      (gate, up) => ops.gatedActivation(gate, up, activation),
    )
  ),
  // The tables are constants of the model: angles that rotate by, not differentiated.
  Rotary: ROTARY.flatMap((dims) =>
    each([[real(...dims)]], (x) => {
      const tables = [Math.cos, Math.sin].map((f) => angles(x, f));
      return ops.rotary(x, tables[0], tables[1]);
    })
  ),
  Attention: [
    ...each([
      [real(1, 1, 3, 2), real(1, 1, 3, 2), real(1, 1, 3, 2)],
      [real(2, 2, 3, 4), real(2, 2, 3, 4), real(2, 2, 3, 4)],
      [real(2, 4, 4, 2), real(2, 2, 4, 2), real(2, 2, 4, 2)],
    ], (q, k, v) => ops.attention({ q, k, v, mask: causal(q), scale: 0.5 })),
    ...each([
      [real(1, 2, 2, 2), real(1, 1, 3, 2), real(1, 1, 3, 2)],
    ], (q, k, v) => ops.attention({ q, k, v, mask: q.graph.scalar(0, q.dtype), scale: 0.7 })),
  ],
  BlockAttention: [
    ...each([
      [real(1, 1, 3, 2), real(1, 1, 3, 2), real(1, 1, 3, 2)],
      [real(2, 2, 4, 4), real(2, 2, 4, 4), real(2, 2, 4, 4)],
      [real(2, 4, 6, 2), real(2, 2, 6, 2), real(2, 2, 6, 2)],
    ], (q, k, v) => inBlocks([q, k, v], range(Number(q.dims[2])))),
    // A prompt of two keys before the queries' own; of the second sequence one of them is empty.
    ...each([
      [real(2, 2, 4, 2), real(2, 1, 6, 2), real(2, 1, 6, 2)],
    ], (q, k, v) => inBlocks([q, k, v], [0, 0, ...range(4), 0, 99, ...range(4)])),
  ],
  RecomputedAttention: [
    ...each([
      [real(1, 1, 3, 2), real(1, 1, 3, 2), real(1, 1, 3, 2)],
      [real(2, 2, 4, 4), real(2, 2, 4, 4), real(2, 2, 4, 4)],
      [real(2, 4, 6, 2), real(2, 2, 6, 2), real(2, 2, 6, 2)],
    ], (q, k, v) => recomputed([q, k, v], range(Number(q.dims[2])))),
    ...each([
      [real(2, 2, 4, 2), real(2, 1, 6, 2), real(2, 1, 6, 2)],
    ], (q, k, v) => recomputed([q, k, v], [0, 0, ...range(4), 0, 99, ...range(4)])),
  ],
  // Rows that fill one slot, several, or none: slot 3 or 5 is the one past the last.
  Route: [
    ...each([
      [real(3, 2), indices([3], [2, 0, 1]), indices([3, 1], [1, 2, 0])],
    ], routed),
    ...each([
      [real(2, 2), indices([3], [1, 0, 1]), indices([2, 2], [1, 3, 0, 2])],
      [real(3, 1), indices([5], [2, 0, 2, 0, 2]), indices([3, 3], [1, 3, 5, 5, 5, 5, 0, 2, 4])],
    ], routed),
    // One source to two targets, whose slots count on: row 1 fills one of each, row 2 none.
    ...each([
      [
        real(3, 2),
        indices([1, 2], [1, 0]),
        indices([2], [0, 1]),
        indices([3, 2], [1, 2, 0, 3, 4, 4]),
      ],
    ], (x, first, second, inverse) => {
      const parts = ops.routeAll([x], { indices: [first, second], inverses: [inverse] });
      return ops.add(ops.reshape(parts[0], [2, 2]), ops.mul(parts[1], 3));
    }),
    // Two sources to one target, by rows that count on.
    ...each(
      [
        [
          real(2, 2),
          real(3, 2),
          indices([5], [4, 0, 2, 1, 3]),
          indices([2, 1], [1, 3]),
          indices([3, 1], [2, 4, 0]),
        ],
      ],
      (a, b, index, ofA, ofB) =>
        ops.routeAll([a, b], { indices: [index], inverses: [ofA, ofB] })[0],
    ),
  ],
  TokenLogp: each([
    [real(1, 3), indices([1], [2])],
    [real(3, 4), indices([3], [0, 3, 0])],
    [real(2, 7), indices([2], [6, 6])],
  ], ops.tokenLogp),
};

/** cos or sin of position · 10^(−i): (T, D/2). */
function angles(x: Value, f: (angle: number) => number): Value {
  const [time, half] = [Number(x.dims[1]), Number(x.dims[3]) / 2];
  const table = Array.from(
    { length: time * half },
    (_, i) => f(Math.floor(i / half) * 10 ** -(i % half)),
  );
  return ops.cast(
    x.graph.constant({ dtype: "float64", dims: [time, half], data: Float64Array.from(table) }),
    x.dtype,
  );
}
