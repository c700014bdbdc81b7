import { differenceDim, type Dim, productDim } from "../dims.ts";
import { cast, div, equal, mul, sub } from "../ops/elementwise.ts";
import { gatherElements, scatterElementsAdd } from "../ops/index.ts";
import { gemm, matmul } from "../ops/linear.ts";
import { reduceSum } from "../ops/reduce.ts";
import { concat, expand, full, reshape, sizeOf, split, transpose } from "../ops/shape.ts";
import type { Value } from "../value.ts";
import type { VjpTable } from "./vjp_rule.ts";

/** Rules of reductions, of ops that move elements, and of matrix products. */
export const STRUCTURE = {
  Constant: "nondifferentiable",
  Full: "nondifferentiable",
  Size: "nondifferentiable",
  ReduceSum: ({ inputs: [x], attributes: { axes } }, [dy]) => [() => spread(dy!, x, axes)],
  ReduceMean: ({ inputs: [x], attributes: { axes } }, [dy]) => [() => {
    const count = axes.map((axis) => cast(sizeOf(x.graph, x.dims[axis]), x.dtype))
      .reduce((product, size) => mul(product, size));
    return spread(div(dy!, count), x, axes);
  }],
  ReduceMax: ({ inputs: [x], outputs: [y], attributes: { axes } }, [dy]) => [() => {
    const ties = cast(equal(x, reshape(y, keptDims(x, axes))), x.dtype);
    const share = div(ties, reduceSum(ties, { axes, keepDims: true }));
    return mul(share, reshape(dy!, keptDims(x, axes)));
  }],
  Softmax: ({ outputs: [y] }, [dy]) => [() => {
    const weighted = mul(dy!, y);
    return sub(weighted, mul(y, reduceSum(weighted, { axes: [-1], keepDims: true })));
  }],
  Reshape: ({ inputs: [x] }, [dy]) => [() => reshape(dy!, x.dims)],
  Transpose: ({ attributes: { permutation } }, [dy]) => [
    () => transpose(dy!, permutation.map((_, i) => permutation.indexOf(i))),
  ],
  Expand: (_, [dy]) => [() => dy!],
  Concat: ({ inputs, attributes: { axis } }, [dy]) =>
    inputs.map((_, i) => () => split(dy!, { axis, sizes: inputs.map((x) => x.dims[axis]) })[i]),
  Split: ({ outputs, attributes: { axis } }, cotangents) => [
    () => concat(outputs.map((y, i) => cotangents[i] ?? zerosLike(y)), axis),
  ],
  Slice: ({ inputs: [x], attributes: { axis, start, end } }, [dy]) => [() => {
    const padding = (size: Dim) => size === 0 ? [] : [zerosLike(x, x.dims.with(axis, size))];
    const after = padding(differenceDim(x.dims[axis], end));
    return concat([...padding(start), dy!, ...after], axis);
  }],
  Trilu: "nondifferentiable", // made by causalMask(), of constants only
  Gather: ({ inputs: [table, rows] }, [dy]) => [() => addRows(table, rows, dy!), undefined],
  GatherElements: ({ inputs: [x, indices], attributes: { axis } }, [dy]) => [
    () => scatterElementsAdd(zerosLike(x), { indices, updates: dy!, axis }),
    undefined,
  ],
  ScatterElementsAdd: ({ inputs: [, indices], attributes: { axis } }, [dy]) => [
    () => dy!,
    undefined,
    () => gatherElements(dy!, indices, axis),
  ],
  Gemm: ({ inputs: [a, b], attributes: { transposeA: ta, transposeB: tb } }, [dy]) => [
    () =>
      ta ? gemm(b, dy!, { transposeA: tb, transposeB: true }) : gemm(dy!, b, { transposeB: !tb }),
    () =>
      tb ? gemm(dy!, a, { transposeA: true, transposeB: ta }) : gemm(a, dy!, { transposeA: !ta }),
  ],
  BatchMatMul: (
    { inputs: [a, b], attributes: { transposeA: ta, transposeB: tb, scale } },
    [dy],
  ) => [
    () =>
      ta
        ? matmul(b, dy!, { transposeA: tb, transposeB: true, scale })
        : matmul(dy!, b, { transposeB: !tb, scale }),
    () =>
      tb
        ? matmul(dy!, a, { transposeA: true, transposeB: ta, scale })
        : matmul(a, dy!, { transposeA: !ta, scale }),
  ],
  Route: ({ inputs, outputs, attributes: { sources, targets } }, cotangents) => {
    const slots = () =>
      outputs.map((y, i) =>
        reshape(cotangents[i] ?? zerosLike(y), [productDim(y.dims.slice(0, -1)), y.dims.at(-1)!])
      );
    const inverses = inputs.slice(sources + targets);
    return inverses.map((inverse) => () =>
      inverse.graph.emit("CollectRows", [...slots(), inverse], {})[0]
    );
  },
  CollectRows: "nondifferentiable", // made by gradients alone
  CentredProduct: "nondifferentiable",
  GemmAdd: "nondifferentiable", // made of sums when the graph is written
  MatMul: "nondifferentiable", // made by lowering, as are the fused ops
  LogSoftmax: "nondifferentiable",
  FusedMatMul: "nondifferentiable",
  FusedRmsNorm: "nondifferentiable",
  FusedSilu: "nondifferentiable",
  FusedGeluTanh: "nondifferentiable",
  FusedSoftplus: "nondifferentiable",
  FusedRotary: "nondifferentiable",
  FusedAttention: "nondifferentiable",
  CachedAttention: "nondifferentiable",
} satisfies Partial<VjpTable>;

/** x's shape with the reduced axes kept as 1. */
function keptDims(x: Value, axes: readonly number[]): Dim[] {
  return x.dims.map((dim, i) => axes.includes(i) ? 1 : dim);
}

/** A reduction's cotangent, repeated over what was reduced. */
function spread(dy: Value, x: Value, axes: readonly number[]): Value {
  return expand(reshape(dy, keptDims(x, axes)), x.dims);
}

function zerosLike(x: Value, dims: readonly Dim[] = x.dims): Value {
  return full(x.graph, dims, { value: 0, dtype: x.dtype });
}

/**
 * Zeros like the table with dy's rows added. Element by element: ONNX Runtime's ScatterND(add) on
 * repeated rows lets threads race, its ScatterElements(add) does not.
 */
function addRows(table: Value, rows: Value, dy: Value): Value {
  const width = table.dims.slice(1);
  const ones = width.map(() => 1);
  const flat = productDim(rows.dims);
  const indices = expand(reshape(rows, [flat, ...ones]), [flat, ...width]);
  const updates = reshape(dy, [flat, ...width]);
  return scatterElementsAdd(zerosLike(table), { indices, updates, axis: 0 });
}
