import assert from "node:assert/strict";
import { int64 } from "../../../core/tensor.ts";
import * as ops from "../../../train/graph/ops.ts";
import type { Value } from "../../../train/graph/value.ts";
import { customLossProblem } from "../../../train/losses/custom_loss.ts";
import type { LossDefinition } from "../../../train/losses/define_loss.ts";
import type { PairLogps } from "../../../train/losses/pair_logps.ts";
import {
  LOSSES,
  type LossOptions,
  lossReadsReference,
  lossTerms,
} from "../../../train/losses/losses.ts";

/** What is wrong with a loss whose one term is made of the chosen log-probs, (P). */
function problemOf(regulariser: (x: Value) => Value): string | null {
  const terms: LossDefinition["terms"] = ({ policyChosen }) => ({
    regulariser: regulariser(policyChosen),
  });
  const definition: LossDefinition = { name: "mine", reads: "chosen", coefficients: {}, terms };
  return customLossProblem({ definition, coefficients: {} });
}

const row = (x: Value) => ops.expand(x, [1, "P"]); // (1, P)
const first = (x: Value) => x.graph.constant(int64([1], [0])); // (1)

/** Losses of which each pair's term depends on the batch around it, by the op that lets it. */
const ACROSS: readonly [op: string, name: string, regulariser: (x: Value) => Value][] = [
  ["Size", "sizeOf()", (x) => ops.div(x, ops.cast(ops.sizeOf(x.graph, "P"), x.dtype))],
  ["Gather", "embedding()", (x) => ops.sub(x, ops.embedding(x, first(x)))],
  ["GatherElements", "gatherElements()", (x) => ops.sub(x, ops.gatherElements(x, first(x), 0))],
  [
    "BatchMatMul",
    "matmul()",
    (x) => ops.reshape(ops.mul(x, ops.matmul(row(x), row(x), { transposeB: true })), ["P"]),
  ],
  [
    "Gemm",
    "linear()",
    (x) => ops.reshape(ops.mul(x, ops.linear(row(x), row(x))), ["P"]),
  ],
  ["Concat", "concat()", (x) => ops.slice(ops.concat([x, x], 0), { axis: 0, start: 0, end: "P" })],
  ["Slice", "slice()", (x) => ops.mul(x, ops.slice(x, { axis: 0, start: 0, end: 1 }))],
  [
    "Split",
    "split()",
    (x) => ops.reshape(ops.split(ops.expand(x, [2, "P"]), { axis: 0, sizes: [1, 1] })[0], ["P"]),
  ],
  ["Transpose", "transpose()", (x) => ops.reshape(ops.transpose(row(x), [1, 0]), ["P"])],
  ["Reshape", "reshape()", (x) => ops.reshape(ops.reshape(x, ["P", 1]), ["P"])],
  ["Softmax", "softmax()", (x) => ops.softmax(x)],
  ["ReduceSum", "reduceSum()", (x) => ops.div(x, ops.reduceSum(x))],
  ["ReduceMean", "reduceMean()", (x) => ops.sub(x, ops.reduceMean(x))],
  ["ReduceMax", "reduceMax()", (x) => ops.sub(x, ops.reduceMax(x))],
];

for (const [op, name, regulariser] of ACROSS) {
  Deno.test(`a loss of one's own that takes ${name} is refused, naming ${op}`, () => {
    assert.equal(
      problemOf(regulariser),
      "Expected each pair's terms to be of that pair alone, element by element, " +
        `but found ${op}; training takes the mean over the batch.`,
    );
  });
}

Deno.test("a loss of one's own may take any op that goes element by element", () => {
  const unary = [ops.neg, ops.exp, ops.log, ops.sqrt, ops.reciprocal, ops.abs, ops.sigmoid];
  const binary = [ops.add, ops.sub, ops.mul, ops.div, ops.min, ops.max];
  const compare = [ops.equal, ops.greater, ops.greaterOrEqual, ops.less, ops.lessOrEqual];
  for (const op of [...unary, ops.tanh, ops.softplus, ops.relu]) assert.equal(problemOf(op), null);
  for (const op of binary) {
    assert.equal(problemOf((x) => op(x, 2)), null);
    assert.equal(problemOf((x) => op(x.graph.scalar(2, x.dtype), x)), null);
  }
  for (const op of compare) {
    const flipped = (x: Value) => ops.and(ops.not(op(x, 2)), op(ops.sign(x), 3));
    assert.equal(problemOf((x) => ops.where(flipped(x), x, ops.neg(x))), null);
  }
  assert.equal(problemOf((x) => ops.add(x, ops.full(x.graph, ["P"], like(x)))), null);
  assert.equal(problemOf((x) => ops.mul(x, ops.expand(x.graph.scalar(2, x.dtype), ["P"]))), null);
  assert.equal(problemOf((x) => ops.gatedActivation(x, ops.neg(x))), null);
  assert.equal(problemOf((x) => ops.cast(ops.cast(x, "float32"), x.dtype)), null);
});

const like = ({ dtype }: Value) => ({ value: 1, dtype });

const OF_THE_PROJECT: { readonly [Name in keyof typeof LOSSES]: LossOptions } = {
  dpo: { loss: "dpo", beta: 0.1 },
  rpo: { loss: "rpo", beta: 0.1, eta: 0.1, sft: "token_mean" },
  ipo: { loss: "ipo", beta: 0.1 },
  hinge: { loss: "hinge", beta: 0.1 },
  sft: { loss: "sft", sft: "sequence_mean" },
};

for (const [name, options] of Object.entries(OF_THE_PROJECT)) {
  Deno.test(`${name}, written as a loss of one's own, is accepted`, () => {
    const { reads } = LOSSES[options.loss];
    const terms: LossDefinition["terms"] = (logps) => lossTerms(logps, options);
    const definition: LossDefinition = { name, reads, coefficients: {}, terms };
    assert.equal(customLossProblem({ definition, coefficients: {} }), null);
  });
}

Deno.test("lossReadsReference() tells from the graph that a loss builds", () => {
  for (const options of Object.values(OF_THE_PROJECT)) {
    assert.equal(lossReadsReference(options), options.loss !== "sft", options.loss);
  }
  const custom = (terms: LossDefinition<"pairs">["terms"]) =>
    lossReadsReference({
      loss: "custom",
      definition: { name: "mine", reads: "pairs", coefficients: {}, terms } as LossDefinition,
      coefficients: {},
      digest: "",
    });
  const { neg, sub } = ops;
  const gap = (values: PairLogps) => sub(values.policyChosen, values.policyRejected);
  assert(!custom((values) => ({ preference: neg(gap(values)) })));
  assert(custom((values) => ({ preference: neg(sub(gap(values), values.referenceRejected)) })));
});
