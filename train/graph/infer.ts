import type { Dtype } from "../../core/tensor.ts";
import { broadcastDims, differenceDim, type Dim, equalDims, formatDims } from "./dims.ts";
import { productDim, sumDim } from "./dims.ts";
import type { OpAttributes, OpType } from "./op_types.ts";
import {
  attention,
  blockAttention,
  fusedAttention,
  recomputedAttention,
} from "./infer_attention.ts";
import { cachedAttention } from "./infer_cache.ts";
import { collectRows, type Expect, expectIndices, route } from "./infer_routing.ts";
import { isHalf } from "./target.ts";
import { formatType, isFloating, type ValueType } from "./value.ts";

/** The types of an op's outputs from the types of its inputs; throws when they do not suit it. */
type InferRule<Op extends OpType> = (
  inputs: readonly ValueType[],
  attributes: OpAttributes[Op],
  expect: Expect,
) => readonly ValueType[];

/**
 * The types of an op's outputs.
 *
 * @throws RangeError when the inputs do not suit the op, with the op and all their types
 */
export function inferTypes<Op extends OpType>(
  op: Op,
  inputs: readonly ValueType[],
  attributes: OpAttributes[Op],
): readonly ValueType[] {
  const expect: Expect = (condition, message) => {
    if (!condition) {
      throw new RangeError(
        `${op}: expected ${message} but found ${inputs.map(formatType).join(", ") || "no inputs"}.`,
      );
    }
  };
  const arity = ARITIES[op] ?? 1;
  expect(
    arity === "one or more" ? inputs.length > 0 : inputs.length === arity,
    `${arity} input${arity === 1 ? "" : "s"}`,
  );
  const rule: InferRule<Op> = INFER_RULES[op];
  return rule(inputs, attributes, expect);
}

/** How many inputs the ops have that do not have one. */
const ARITIES: { readonly [Op in OpType]?: number | "one or more" } = {
  Constant: 0,
  Full: 0,
  Size: 0,
  Add: 2,
  Sub: 2,
  Mul: 2,
  Div: 2,
  Min: 2,
  Max: 2,
  And: 2,
  Equal: 2,
  Greater: 2,
  GreaterOrEqual: 2,
  Less: 2,
  LessOrEqual: 2,
  Where: 3,
  Concat: "one or more",
  Gather: 2,
  GatherElements: 2,
  ScatterElementsAdd: 3,
  Gemm: 2,
  GemmAdd: 3,
  MatMul: 2,
  FusedMatMul: 2,
  FusedRmsNorm: 2,
  FusedRotary: 3,
  FusedAttention: 4,
  CachedAttention: 9,
  BatchMatMul: 2,
  Route: "one or more",
  CollectRows: "one or more",
  CentredProduct: 3,
  RmsNorm: 2,
  GatedActivation: 2,
  Rotary: 3,
  Attention: 4,
  BlockAttention: 5,
  RecomputedAttention: 4,
  TokenLogp: 2,
};

/** Same type out as in, for floating types. */
function floatingUnary([x]: readonly ValueType[], _: unknown, expect: Expect) {
  expect(isFloating(x.dtype), "a floating tensor");
  return [{ dtype: x.dtype, dims: x.dims }];
}

/** Same type out as in. */
function sameType([x]: readonly ValueType[]) {
  return [{ dtype: x.dtype, dims: x.dims }];
}

function broadcast(inputs: readonly ValueType[], expect: Expect): readonly Dim[] {
  const [a, b] = inputs.slice(-2);
  const dims = broadcastDims(a.dims, b.dims);
  expect(a.dtype === b.dtype, "operands of one dtype");
  expect(dims !== undefined, "shapes that broadcast");
  return dims;
}

function arithmetic(inputs: readonly ValueType[], _: unknown, expect: Expect) {
  return [{ dtype: inputs[0].dtype, dims: broadcast(inputs, expect) }];
}

function comparison(inputs: readonly ValueType[], _: unknown, expect: Expect) {
  return [{ dtype: "bool" as Dtype, dims: broadcast(inputs, expect) }];
}

function reduction(
  [x]: readonly ValueType[],
  { axes, keepDims }: OpAttributes["ReduceSum"],
  expect: Expect,
) {
  for (const axis of axes) expectAxis(axis, x, expect);
  expect(new Set(axes).size === axes.length, "each axis once");
  const dims = x.dims.flatMap((dim, i) => axes.includes(i) ? (keepDims ? [1] : []) : [dim]);
  return [{ dtype: x.dtype, dims }];
}

function expectAxis(axis: number, x: ValueType, expect: Expect): void {
  expect(
    Number.isInteger(axis) && axis >= 0 && axis < x.dims.length,
    `axis ${axis} to be one of the tensor's`,
  );
}

/** The last two axes of a matrix operand, after the transposition asked for. */
function matrixDims(x: ValueType, transposed: boolean, expect: Expect): [Dim, Dim] {
  expect(x.dims.length >= 2, "operands of rank 2 or more");
  const [rows, columns] = x.dims.slice(-2);
  return transposed ? [columns, rows] : [rows, columns];
}

function matrixProduct(
  [a, b]: readonly ValueType[],
  { transposeA, transposeB }: OpAttributes["Gemm"],
  expect: Expect,
) {
  const [m, k] = matrixDims(a, transposeA, expect);
  const [k2, n] = matrixDims(b, transposeB, expect);
  const batch = broadcastDims(a.dims.slice(0, -2), b.dims.slice(0, -2));
  expect(a.dtype === b.dtype && isFloating(a.dtype), "floating operands of one dtype");
  expect(k === k2, `inner sizes to be equal, not ${k} and ${k2},`);
  expect(batch !== undefined, "batch axes that broadcast");
  return [{ dtype: a.dtype, dims: [...batch, m, n] }];
}

function rmsNorm([x, weight]: readonly ValueType[], _: unknown, expect: Expect) {
  const width = x.dims.at(-1);
  expect(isFloating(x.dtype) && weight.dtype === x.dtype, "floating operands of one dtype");
  expect(
    width !== undefined && equalDims(weight.dims, [width]),
    "a weight as long as the last axis",
  );
  return [
    { dtype: x.dtype, dims: x.dims },
    // The kernels compute in float32 at the least, and keep that.
    { dtype: isHalf(x.dtype) ? "float32" as Dtype : x.dtype, dims: [...x.dims.slice(0, -1), 1] },
  ];
}

/** x (S, T, H, D), cos and sin (T, D/2). */
function rotary([x, cos, sin]: readonly ValueType[], _: unknown, expect: Expect) {
  const [, time, , width] = x.dims;
  expect(
    x.dims.length === 4 && typeof width === "number" && width % 2 === 0,
    "x (S, T, H, D) with an even D",
  );
  expect(
    equalDims(cos.dims, [time, width / 2]) && equalDims(sin.dims, cos.dims),
    "cos and sin of shape (T, D/2)",
  );
  expect(isFloating(x.dtype) && cos.dtype === x.dtype && sin.dtype === x.dtype, "one dtype");
  return [{ dtype: x.dtype, dims: x.dims }];
}

/** a (…, m, k), b (…, n, k), c (…, m, 1). */
function centredProduct([a, b, c]: readonly ValueType[], _: unknown, expect: Expect) {
  const [product] = matrixProduct([a, b], { transposeA: false, transposeB: true }, expect);
  expect(
    c.dtype === a.dtype && equalDims(c.dims, [...product.dims.slice(0, -1), 1]),
    "one number for each row of the product",
  );
  return [product];
}

const INFER_RULES: { readonly [Op in OpType]: InferRule<Op> } = {
  Constant: (_, { tensor }) => [{ dtype: tensor.dtype, dims: tensor.dims }],
  Full: (_, { dtype, dims }) => [{ dtype, dims }],
  Size: () => [{ dtype: "int64", dims: [] }],
  Neg: sameType,
  Exp: floatingUnary,
  Log: floatingUnary,
  Sqrt: floatingUnary,
  Reciprocal: floatingUnary,
  Sigmoid: floatingUnary,
  Tanh: floatingUnary,
  Relu: floatingUnary,
  Abs: sameType,
  Sign: sameType,
  Not: ([x], _, expect: Expect) => {
    expect(x.dtype === "bool", "a bool tensor");
    return sameType([x]);
  },
  Add: arithmetic,
  Sub: arithmetic,
  Mul: arithmetic,
  Div: arithmetic,
  Min: arithmetic,
  Max: arithmetic,
  And: (inputs, attributes, expect: Expect) => {
    expect(inputs[0].dtype === "bool", "bool operands");
    return comparison(inputs, attributes, expect);
  },
  Equal: comparison,
  Greater: comparison,
  GreaterOrEqual: comparison,
  Less: comparison,
  LessOrEqual: comparison,
  Where: (inputs, _, expect: Expect) => {
    const dims: Dim[] | undefined = broadcastDims(inputs[0].dims, broadcast(inputs, expect));
    expect(inputs[0].dtype === "bool", "a bool condition");
    expect(dims !== undefined, "shapes that broadcast");
    return [{ dtype: inputs[1].dtype, dims }];
  },
  Cast: ([x], { to }) => [{ dtype: to, dims: x.dims }],
  ReduceSum: reduction,
  ReduceMean: reduction,
  ReduceMax: reduction,
  Reshape: ([x], { dims }, expect: Expect) => {
    expect(
      productDim(x.dims) === productDim(dims),
      `as many elements as ${formatDims(dims)} holds`,
    );
    return [{ dtype: x.dtype, dims }];
  },
  Transpose: ([x], { permutation }, expect: Expect) => {
    expect(
      permutation.length === x.dims.length &&
        permutation.toSorted((a, b) => a - b).every((axis, i) => axis === i),
      `[${permutation.join(", ")}] to be a permutation of the axes`,
    );
    return [{ dtype: x.dtype, dims: permutation.map((axis) => x.dims[axis]) }];
  },
  Expand: ([x], { dims }, expect: Expect) => {
    const result = broadcastDims(x.dims, dims);
    expect(
      result !== undefined && equalDims(result, dims),
      `a shape that broadcasts to ${formatDims(dims)}`,
    );
    return [{ dtype: x.dtype, dims }];
  },
  Concat: (inputs, { axis }, expect: Expect) => {
    const [first] = inputs;
    expectAxis(axis, first, expect);
    for (const { dtype, dims } of inputs) {
      expect(
        dtype === first.dtype && dims.length === first.dims.length &&
          dims.every((dim, i) => i === axis || dim === first.dims[i]),
        `tensors that differ on axis ${axis} only`,
      );
    }
    return [{
      dtype: first.dtype,
      dims: first.dims.with(axis, sumDim(inputs.map(({ dims }) => dims[axis]))),
    }];
  },
  Split: ([x], { axis, sizes }, expect: Expect) => {
    expectAxis(axis, x, expect);
    expect(
      sumDim(sizes) === x.dims[axis],
      `axis ${axis} to be as long as ${formatDims(sizes)} together`,
    );
    return sizes.map((size) => ({ dtype: x.dtype, dims: x.dims.with(axis, size) }));
  },
  Slice: ([x], { axis, start, end }, expect: Expect) => {
    expectAxis(axis, x, expect);
    const size = differenceDim(end, start);
    const whole = x.dims[axis];
    expect(
      (typeof size === "string" || size >= 0) && (typeof start === "string" || start >= 0) &&
        (typeof end === "string" || typeof whole === "string" || end <= whole),
      `${start} … ${end} to lie within axis ${axis}`,
    );
    return [{ dtype: x.dtype, dims: x.dims.with(axis, size) }];
  },
  Trilu: ([x], _, expect: Expect) => {
    expect(x.dims.length === 2, "a matrix");
    return sameType([x]);
  },
  Gather: ([table, rows], _, expect: Expect) => {
    expect(table.dims.length > 0, "a table of rows");
    expectIndices(rows, expect);
    return [{ dtype: table.dtype, dims: [...rows.dims, ...table.dims.slice(1)] }];
  },
  GatherElements: ([x, indices], { axis }, expect: Expect) => {
    expectAxis(axis, x, expect);
    expectIndices(indices, expect);
    expect(
      indices.dims.length === x.dims.length &&
        x.dims.every((dim, i) => i === axis || dim === indices.dims[i]),
      `indices that differ from the tensor on axis ${axis} only`,
    );
    return [{ dtype: x.dtype, dims: indices.dims }];
  },
  ScatterElementsAdd: ([x, indices, updates], { axis }, expect: Expect) => {
    expectAxis(axis, x, expect);
    expectIndices(indices, expect);
    expect(
      equalDims(indices.dims, updates.dims) && indices.dims.length === x.dims.length,
      "updates of the indices' shape, of the tensor's rank",
    );
    return sameType([x]);
  },
  Gemm: (inputs, attributes, expect: Expect) => {
    expect(inputs.every(({ dims }) => dims.length === 2), "matrices");
    return matrixProduct(inputs, attributes, expect);
  },
  GemmAdd: ([a, b, c], attributes, expect: Expect) => {
    const [product] = matrixProduct([a, b], attributes, expect);
    expect(equalDims(product.dims, c.dims) && c.dtype === a.dtype, "a third operand to add to");
    return [product];
  },
  MatMul: (inputs, _, expect: Expect) =>
    matrixProduct(inputs, { transposeA: false, transposeB: false }, expect),
  Softmax: floatingUnary,
  LogSoftmax: floatingUnary,
  FusedMatMul: matrixProduct,
  FusedRmsNorm: rmsNorm,
  FusedSilu: floatingUnary,
  FusedGeluTanh: floatingUnary,
  FusedSoftplus: floatingUnary,
  FusedRotary: ([x]) => sameType([x]),
  FusedAttention: fusedAttention,
  CachedAttention: cachedAttention,
  Softplus: floatingUnary,
  BatchMatMul: matrixProduct,
  Route: route,
  CollectRows: collectRows,
  CentredProduct: centredProduct,
  RmsNorm: rmsNorm,
  GatedActivation: (inputs, _, expect: Expect) => {
    const [gate, up] = inputs;
    expect(isFloating(gate.dtype) && gate.dtype === up.dtype, "floating operands of one dtype");
    expect(equalDims(gate.dims, up.dims), "operands of one shape");
    return [sameType(inputs)[0], sameType(inputs)[0]];
  },
  Rotary: rotary,
  Attention: attention,
  BlockAttention: blockAttention,
  RecomputedAttention: recomputedAttention,
  TokenLogp: ([logits, targets], _, expect: Expect) => {
    expect(isFloating(logits.dtype), "floating logits");
    expectIndices(targets, expect);
    expect(
      logits.dims.length === 2 && equalDims(targets.dims, [logits.dims[0]]),
      "logits (M, V) and targets (M)",
    );
    return [{ dtype: logits.dtype, dims: targets.dims }, sameType([logits])[0]];
  },
};
