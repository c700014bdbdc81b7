import { add, mul, neg, sigmoid, sub } from "../ops/elementwise.ts";
import { scatterElementsAdd } from "../ops/index.ts";
import { reduceMean } from "../ops/reduce.ts";
import { reshape } from "../ops/shape.ts";
import { rotary } from "../ops/transformer.ts";
import { SIGMOID_ARGUMENTS } from "../sigmoid_arguments.ts";
import { attentionCotangents } from "./attention.ts";
import type { VjpTable } from "./vjp_rule.ts";

/** Hand-written rules of the macro ops. */
export const TRANSFORMER = {
  /** With x̂ = x · inv: dx = (dy·w − x̂ · mean(dy·w·x̂)) · inv and dw = Σ dy · x̂. */
  RmsNorm: ({ inputs: [x, weight], outputs: [, inverse] }, [dy]) => [
    () => {
      const normal = mul(x, inverse);
      const weighted = mul(dy!, weight);
      const mean = reduceMean(mul(weighted, normal), { axes: [-1], keepDims: true });
      return mul(sub(weighted, mul(normal, mean)), inverse);
    },
    () => mul(dy!, mul(x, inverse)),
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
