import assert from "node:assert/strict";
import { rpoLoss } from "../../../train/losses/rpo.ts";
import { AT_REFERENCE, evaluateLoss, isClose } from "./evaluate_loss.ts";

// Chosen log-probs −10 over 5 tokens and −30 over 10 tokens; β = 0.1, η = 0.2.
const EXPECTED = {
  sum: 0.1 * 0.2 * (10 + 30) / 2,
  sequence_mean: 0.2 * (10 / 5 + 30 / 10) / 2,
  token_mean: 0.2 * (10 + 30) / (5 + 10),
};
/** Before the mean over the pairs; 7.5 is the mean number of tokens. */
const EACH = {
  sum: [0.1 * 0.2 * 10, 0.1 * 0.2 * 30],
  sequence_mean: [0.2 * 10 / 5, 0.2 * 30 / 10],
  token_mean: [0.2 * 10 / 7.5, 0.2 * 30 / 7.5],
};

for (const sft of ["sum", "sequence_mean", "token_mean"] as const) {
  Deno.test(`rpoLoss() under ${sft} adds ${EXPECTED[sft].toFixed(3)} to DPO's ln 2, derived by hand`, async () => {
    const { preference, regulariser, perPair } = await evaluateLoss(
      AT_REFERENCE,
      (logps) => rpoLoss(logps, { beta: 0.1, eta: 0.2, sft }),
    );
    assert(isClose(preference, Math.LN2), `${preference}`);
    assert(isClose(regulariser, EXPECTED[sft]), `${regulariser}`);
    perPair.regulariser.forEach((value, i) => assert(isClose(value, EACH[sft][i]), `${value}`));
  });
}

Deno.test("rpoLoss() with η = 0 is DPO", async () => {
  const { regulariser, gradChosen } = await evaluateLoss(
    AT_REFERENCE,
    (logps) => rpoLoss(logps, { beta: 0.1, eta: 0, sft: "sum" }),
  );
  assert.equal(Math.abs(regulariser), 0);
  gradChosen.forEach((gradient) => assert(isClose(gradient, -0.025), `${gradient}`));
});
