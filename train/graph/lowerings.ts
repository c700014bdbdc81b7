import { attendInBlocks } from "./block_attention.ts";
import { toGroups } from "./attention_layout.ts";
import type { MacroAttributes, MacroOp } from "./op_types.ts";
import { abs, add, div, exp, log, mul, neg, reciprocal, relu, sigmoid } from "./ops/elementwise.ts";
import { sqrt, sub } from "./ops/elementwise.ts";
import { SIGMOID_ARGUMENTS } from "./sigmoid_arguments.ts";
import { gatherElements } from "./ops/index.ts";
import { matmul } from "./ops/linear.ts";
import { reduceMax, reduceMean, softmax } from "./ops/reduce.ts";
import { concat, full, reshape, split } from "./ops/shape.ts";
import { ROUTES } from "./routing.ts";
import type { Target } from "./target.ts";
import type { Value } from "./value.ts";

/** What a macro op is made of. Its outputs have the types that the macro's have. */
type Lowering<Op extends MacroOp> = (
  inputs: readonly Value[],
  attributes: MacroAttributes[Op],
  target: Target,
) => readonly Value[];

/** Whether there are fused kernels: not for float64, and for 16-bit floats where those are computed. */
function isFused({ dtype }: Value): boolean {
  return dtype !== "float64";
}

/** A lowering for each macro: fused kernels where there are any, else the formula. */
export const LOWERINGS: { readonly [Op in MacroOp]: Lowering<Op> } = {
  /**
   * max(x, 0) + log1p(e^−|x|), which overflows nowhere. log1p(e) = log u − ((u − 1) − e) / u with
   * u = 1 + e rounded: the second term is what the rounding of u took from a small e.
   */
  Softplus: ([x]) => {
    if (x.dtype === "float32") return x.graph.emit("FusedSoftplus", [x], {});
    const e = exp(neg(abs(x)));
    const u = add(1, e);
    const rounding = div(sub(sub(u, 1), e), u);
    return [add(relu(x), sub(log(u), rounding))];
  },

  BatchMatMul: ([a, b], attributes) =>
    attributes.transposeA || attributes.transposeB || attributes.scale !== 1
      ? a.graph.emit("FusedMatMul", [a, b], attributes)
      : a.graph.emit("MatMul", [a, b], {}),

  RmsNorm: ([x, weight], { epsilon }) => {
    if (isFused(x)) return x.graph.emit("FusedRmsNorm", [x, weight], { epsilon });
    const meanSquare = reduceMean(mul(x, x), { axes: [-1], keepDims: true });
    const inverse = reciprocal(sqrt(add(meanSquare, epsilon)));
    return [mul(mul(x, inverse), weight), inverse];
  },

  GatedActivation: ([gate, up], { activation }) => {
    const fused = activation === "silu" ? "FusedSilu" : "FusedGeluTanh";
    const [activated] = isFused(gate)
      ? gate.graph.emit(fused, [gate], {})
      : [mul(gate, sigmoid(SIGMOID_ARGUMENTS[activation].of(gate)))];
    return [mul(activated, up), activated];
  },

  Rotary: ([x, cos, sin]) => {
    const [sequences, time, heads, width] = x.dims;
    if (isFused(x)) {
      const flat = reshape(x, [sequences, time, Number(heads) * Number(width)]);
      const [turned] = x.graph.emit("FusedRotary", [flat, cos, sin], { heads: Number(heads) });
      return [reshape(turned, x.dims)];
    }
    const half = Number(width) / 2;
    const [c, s] = [cos, sin].map((table) => reshape(table, [1, time, 1, half]));
    const [x1, x2] = split(x, { axis: 3, sizes: [half, half] });
    return [concat([sub(mul(x1, c), mul(x2, s)), add(mul(x2, c), mul(x1, s))], 3)];
  },

  Attention: ([q, k, v, mask], { scale }) => {
    const [sequences, heads, time] = q.dims;
    const [, groups, past] = k.dims;
    const queries = toGroups(q, groups); // (S, K, H/K·T, D)
    const products = matmul(queries, k, { transposeB: true, scale }); // (S, K, H/K·T, U)
    const scores = reshape(products, [sequences, heads, time, past]); // (S, H, T, U)
    const probabilities = softmax(add(scores, mask));
    const weights = reshape(probabilities, products.dims);
    return [reshape(matmul(weights, v), q.dims), probabilities];
  },

  BlockAttention: ([q, k, v, queryOrder, keyOrder], { scale }) => [
    attendInBlocks({ q, k, v, queryOrder, keyOrder, scale }),
  ],

  /** Where there is no kernel all scores are there at once. */
  RecomputedAttention: ([q, k, v, mask], { scale }) =>
    q.graph.emit(isFused(q) ? "FusedAttention" : "Attention", [q, k, v, mask], { scale }).slice(
      0,
      1,
    ),

  Route: (inputs, { sources, targets }, target) => {
    const indices = inputs.slice(sources, sources + targets);
    return ROUTES[target].route(inputs.slice(0, sources), indices);
  },

  CollectRows: (inputs, _, target) => [
    ROUTES[target].collect(inputs.slice(0, -1), inputs.at(-1)!),
  ],

  /** On the CPU a column more in the product takes the numbers off; on a GPU products want round sizes. */
  CentredProduct: ([a, b, c], _, target) => {
    if (target === "cuda") return [sub(matmul(a, b, { transposeB: true }), c)];
    const ones = full(b.graph, [...b.dims.slice(0, -1), 1], { value: 1, dtype: b.dtype });
    const [left, right] = [concat([a, neg(c)], -1), concat([b, ones], -1)];
    return [matmul(left, right, { transposeB: true })];
  },

  /**
   * With p = softmax(logits): logsumexp(logits) = max(logits) − log(max(p)), exact where log(p) of
   * an improbable target would be −∞, and the one (M, V) tensor is what the gradient needs. On a
   * GPU maxima want cuDNN; log softmax does not.
   */
  TokenLogp: ([logits, targets], _, target) => {
    const rows = logits.dims[0];
    if (target === "cuda") {
      const [logps] = logits.graph.emit("LogSoftmax", [logits], {});
      const chosen = gatherElements(logps, reshape(targets, [rows, 1]), 1);
      return [reshape(chosen, [rows]), exp(logps)];
    }
    const p = softmax(logits);
    const [top, topP] = [logits, p].map((x) => reduceMax(x, { axes: [1], keepDims: true }));
    const chosen = gatherElements(logits, reshape(targets, [rows, 1]), 1);
    return [reshape(add(sub(chosen, top), log(topP)), [rows]), p];
  },
};
