import { add, cast, mul, neg, sigmoid, sub } from "../ops/elementwise.ts";
import { scatterElementsAdd } from "../ops/index.ts";
import { reduceMean, reduceSum } from "../ops/reduce.ts";
import { reshape } from "../ops/shape.ts";
import { rotary } from "../ops/transformer.ts";
import { SIGMOID_ARGUMENTS } from "../sigmoid_arguments.ts";
import { isHalf } from "../target.ts";
import type { Value } from "../value.ts";
import {
  attentionCotangents,
  blockAttentionCotangents,
  recomputedAttentionCotangents,
} from "./attention.ts";
import type { VjpTable } from "./vjp_rule.ts";

/** Hand-written rules of the macro ops. */
export const TRANSFORMER = {
  /** With x̂ = x · inv: dx = (dy·w − x̂ · mean(dy·w·x̂)) · inv and dw = Σ dy · x̂. */
  RmsNorm: ({ inputs: [x, weight], outputs: [, inverse] }, [dy]) => [
    () => {
      const [wide, factor, cotangent] = [x, weight, dy!].map(atLeastFloat32);
      const normal = mul(wide, inverse);
      const weighted = mul(cotangent, factor);
      const mean = reduceMean(mul(weighted, normal), { axes: [-1], keepDims: true });
      return cast(mul(sub(weighted, mul(normal, mean)), inverse), x.dtype);
    },
    () => {
      const each = mul(atLeastFloat32(dy!), mul(atLeastFloat32(x), inverse));
      if (!isHalf(x.dtype)) return each;
      // Summed before it is rounded.
      return cast(reduceSum(each, { axes: each.dims.slice(0, -1).map((_, i) => i) }), x.dtype);
    },
  ],
  /** With s = sigmoid(g(gate)), a = gate · s: da/d gate = s + a · (1 − s) · g'(gate). */
  GatedActivation: ({ inputs: [gate, up], outputs: [, activated], attributes }, [dy]) => [
    () => {
      const { of, slope } = SIGMOID_ARGUMENTS[attributes.activation];
      const s = sigmoid(of(gate));
      const inner = slope === undefined ? activated : mul(activated, slope(gate));
      return mul(mul(dy!, up), add(inner, mul(s, sub(1, inner))));
    },
    () => mul(dy!, activated),
  ],
  /** A rotation's transpose turns the other way; the tables are constants of the model. */
  Rotary: ({ inputs: [, cos, sin] }, [dy]) => [
    () => rotary(dy!, cos, neg(sin)),
    undefined,
    undefined,
  ],
  Attention: attentionCotangents,
  BlockAttention: blockAttentionCotangents,
  RecomputedAttention: recomputedAttentionCotangents,
  /** d logits = dy · (one-hot(target) − softmax(logits)). */
  TokenLogp: ({ inputs: [logits, targets], outputs: [, probabilities] }, [dy]) => [
    () => {
      const rows = logits.dims[0];
      const updates = reshape(dy!, [rows, 1]);
      return scatterElementsAdd(mul(probabilities, neg(updates)), {
        indices: reshape(targets, [rows, 1]),
        updates,
        axis: 1,
      });
    },
    undefined,
  ],
} satisfies Partial<VjpTable>;

/** A value of 16 bits as float32; others as they are. */
function atLeastFloat32(x: Value): Value {
  return isHalf(x.dtype) ? cast(x, "float32") : x;
}
