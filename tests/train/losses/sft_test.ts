import assert from "node:assert/strict";
import { sftLoss } from "../../../train/losses/sft.ts";
import { AT_REFERENCE, evaluateLoss, isClose } from "./evaluate_loss.ts";

// Chosen log-probs −10 over 5 tokens and −30 over 10 tokens.
const EXPECTED = { sum: 20, sequence_mean: 2.5, token_mean: 40 / 15 };

for (const sft of ["sum", "sequence_mean", "token_mean"] as const) {
  Deno.test(`sftLoss() under ${sft} equals ${EXPECTED[sft].toFixed(3)}, derived by hand`, async () => {
    const { preference, regulariser, gradRejected } = await evaluateLoss(
      AT_REFERENCE,
      (logps) => sftLoss(logps, { sft }),
    );
    assert.equal(preference, 0);
    assert(isClose(regulariser, EXPECTED[sft]), `${regulariser}`);
    assert.deepEqual(gradRejected, [0, 0]);
  });
}
