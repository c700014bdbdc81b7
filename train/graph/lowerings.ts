import { toGroups, toHeads } from "./attention_layout.ts";
import type { Dim } from "./dims.ts";
import type { Graph } from "./graph.ts";
import { fromGroups } from "./attention_layout.ts";
import type { MacroAttributes, MacroOp } from "./op_types.ts";
import { abs, add, div, exp, log, mul, neg, reciprocal, relu, sigmoid } from "./ops/elementwise.ts";
import { sqrt, sub } from "./ops/elementwise.ts";
import { SIGMOID_ARGUMENTS } from "./sigmoid_arguments.ts";
import { gatherElements } from "./ops/index.ts";
import { matmul } from "./ops/linear.ts";
import { reduceMax, reduceMean, softmax } from "./ops/reduce.ts";
import { concat, full, reshape, split, trilu } from "./ops/shape.ts";
import type { Value } from "./value.ts";

/** What a macro op is made of. Its outputs have the types that the macro's have. */
type Lowering<Op extends MacroOp> = (
  inputs: readonly Value[],
  attributes: MacroAttributes[Op],
) => readonly Value[];

/**
 * Scores of keys that a query must not see. Finite, so that no 0 · ∞ can arise; exp() of it is 0 in
 * both floating types.
 */
const MASKED = -1e9;

/** A lowering for each macro: fused kernels for float32, which alone has them, else the formula. */
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
    attributes.transposeA || attributes.transposeB
      ? a.graph.emit("FusedMatMul", [a, b], attributes)
      : a.graph.emit("MatMul", [a, b], {}),

  RmsNorm: ([x, weight], { epsilon }) => {
    if (x.dtype === "float32") return x.graph.emit("FusedRmsNorm", [x, weight], { epsilon });
    const meanSquare = reduceMean(mul(x, x), { axes: [-1], keepDims: true });
    const inverse = reciprocal(sqrt(add(meanSquare, epsilon)));
    return [mul(mul(x, inverse), weight), inverse];
  },

  GatedActivation: ([gate, up], { activation }) => {
    const fused = activation === "silu" ? "FusedSilu" : "FusedGeluTanh";
    const [activated] = gate.dtype === "float32"
      ? gate.graph.emit(fused, [gate], {})
      : [mul(gate, sigmoid(SIGMOID_ARGUMENTS[activation].of(gate)))];
    return [mul(activated, up), activated];
  },

  Rotary: ([x, cos, sin]) => {
    const [sequences, time, heads, width] = x.dims;
    if (x.dtype === "float32") {
      const flat = reshape(x, [sequences, time, Number(heads) * Number(width)]);
      const [turned] = x.graph.emit("FusedRotary", [flat, cos, sin], { heads: Number(heads) });
      return [reshape(turned, x.dims)];
    }
    const half = Number(width) / 2;
    const [c, s] = [cos, sin].map((table) => reshape(table, [1, time, 1, half]));
    const [x1, x2] = split(x, { axis: 3, sizes: [half, half] });
    return [concat([sub(mul(x1, c), mul(x2, s)), add(mul(x2, c), mul(x1, s))], 3)];
  },

  Attention: ([q, k, v], { scale, causal }) => {
    const [sequences, time, heads] = q.dims;
    const [, past, groups] = k.dims;
    const queries = toGroups(mul(q, scale), groups); // (S, K, H/K·T, D)
    const scores = reshape(
      matmul(queries, toHeads(k), { transposeB: true }),
      [sequences, heads, time, past],
    ); // (S, H, T, U)
    const probabilities = softmax(causal ? add(scores, causalMask(q, time)) : scores);
    const weights = reshape(probabilities, [...queries.dims.slice(0, 3), past]);
    return [
      fromGroups(matmul(weights, toHeads(v)), { sequences, heads, time }),
      probabilities,
    ];
  },

  /**
   * With p = softmax(logits): logsumexp(logits) = max(logits) − log(max(p)), exact where log(p) of
   * an improbable target would be −∞, and the one (M, V) tensor is what the gradient needs.
   */
  TokenLogp: ([logits, targets]) => {
    const rows = logits.dims[0];
    const p = softmax(logits);
    const [top, topP] = [logits, p].map((x) => reduceMax(x, { axes: [1], keepDims: true }));
    const chosen = gatherElements(logits, reshape(targets, [rows, 1]), 1);
    return [reshape(add(sub(chosen, top), log(topP)), [rows]), p];
  },
};

/** 0 on and below the diagonal, `MASKED` above: (T, T). */
function causalMask({ graph, dtype }: { graph: Graph; dtype: Value["dtype"] }, time: Dim): Value {
  return trilu(full(graph, [time, time], { value: MASKED, dtype }), { upper: true, diagonal: 1 });
}
