import assert from "node:assert/strict";
import { Graph } from "../../../train/graph/graph.ts";
import { LOSSES, type LossOptions, lossTerms } from "../../../train/losses/losses.ts";
import type { PairLogps } from "../../../train/losses/pair_logps.ts";
import { golden } from "../golden.ts";
import { evaluateLoss, isClose, type PairNumbers } from "./evaluate_loss.ts";

interface GoldenCase {
  loss: string;
  sft: string;
  beta: number;
  eta: number;
  total: number;
  preference: number;
  regulariser: number;
  grad_chosen: number[];
  grad_rejected: number[];
}

interface GoldenLosses extends
  Record<
    | "policy_chosen"
    | "policy_rejected"
    | "reference_chosen"
    | "reference_rejected"
    | "chosen_tokens"
    | "rejected_tokens",
    number[]
  > {
  cases: GoldenCase[];
}

const { cases, ...numbers } = golden<GoldenLosses>("losses.json");
const logps = {
  policyChosen: numbers.policy_chosen,
  policyRejected: numbers.policy_rejected,
  referenceChosen: numbers.reference_chosen,
  referenceRejected: numbers.reference_rejected,
  chosenTokens: numbers.chosen_tokens,
  rejectedTokens: numbers.rejected_tokens,
};

for (const expected of cases) {
  Deno.test(`${expected.loss}:${expected.sft} equals PyTorch's value and gradients to 1e-12`, async () => {
    const found = await evaluateLoss(
      logps,
      (values) => lossTerms(values, expected as unknown as LossOptions),
    );
    assertClose([found.preference], [expected.preference]);
    assertClose([found.regulariser], [expected.regulariser]);
    assertClose([found.preference + found.regulariser], [expected.total]);
    assertClose(found.gradChosen, expected.grad_chosen);
    assertClose(found.gradRejected, expected.grad_rejected);
  });
}

/** Some of the pairs, as the gradient of a large batch is accumulated over small ones. */
function pairsOf(start: number, end: number): PairNumbers {
  const fields = Object.entries(logps).map(([name, values]) => [name, values.slice(start, end)]);
  return Object.fromEntries(fields) as PairNumbers;
}

for (const { loss, sft, ...coefficients } of cases) {
  Deno.test(`${loss}:${sft} gives each pair the same value in a part of the batch as in the whole`, async () => {
    const terms = (values: PairLogps) =>
      lossTerms(values, { loss, sft, ...coefficients } as unknown as LossOptions);
    const count = logps.policyChosen.length;
    const whole = await evaluateLoss(logps, terms);
    const tokens = logps.chosenTokens.reduce((sum, length) => sum + length, 0) / count;
    const parts = [
      await evaluateLoss(pairsOf(0, 1), terms, tokens),
      await evaluateLoss(pairsOf(1, count), terms, tokens),
    ];
    for (const term of ["preference", "regulariser"] as const) {
      assertClose(parts.flatMap(({ perPair }) => perPair[term]), whole.perPair[term]);
    }
    const grads = parts.flatMap(({ gradChosen }) => gradChosen.map((g) => g * gradChosen.length));
    assertClose(grads.map((g) => g / count), whole.gradChosen);
  });
}

Deno.test("the goldens hold every loss there is", () => {
  assert.deepEqual(new Set(cases.map(({ loss }) => loss)), new Set(Object.keys(LOSSES)));
  assert.deepEqual(cases.map(({ loss, sft }) => `${loss}:${sft}`), [
    "dpo:none",
    "rpo:sum",
    "rpo:sequence_mean",
    "rpo:token_mean",
    "ipo:none",
    "hinge:none",
    "sft:token_mean",
  ]);
});

Deno.test("lossTerms() refuses a loss of pairs without rejected replies", () => {
  const graph = new Graph({ dtype: "float64" });
  const chosen = {
    policyChosen: graph.input("policyChosen", "float64", ["P"]),
    chosenTokens: graph.input("chosenTokens", "float64", ["P"]),
    meanChosenTokens: graph.input("meanChosenTokens", "float64", []),
  };
  assert.throws(
    () => lossTerms(chosen, { loss: "dpo", beta: 1 }),
    new RangeError("Expected rejected replies for dpo, which compares pairs."),
  );
});

function assertClose(found: readonly number[], expected: readonly number[]): void {
  assert.equal(found.length, expected.length);
  found.forEach((value, i) => assert(isClose(value, expected[i]), `${value} ≠ ${expected[i]}`));
}
