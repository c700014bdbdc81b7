import assert from "node:assert/strict";
import { ipoLoss } from "../../../train/losses/ipo.ts";
import { AT_REFERENCE, evaluateLoss, isClose } from "./evaluate_loss.ts";

Deno.test("ipoLoss() equals 1 / (4β²) when policy equals reference", async () => {
  const { preference, regulariser } = await evaluateLoss(
    AT_REFERENCE,
    (logps) => ipoLoss(logps, { beta: 0.1 }),
  );
  assert(isClose(preference, 25), `${preference}`);
  assert.equal(regulariser, 0);
});

Deno.test("ipoLoss() averages over each reply's own tokens", async () => {
  // h = 10/5 − (−6)/3 = 4, aimed at 1/(2 · 0.25) = 2.
  const one = {
    policyChosen: [-10],
    policyRejected: [-26],
    referenceChosen: [-20],
    referenceRejected: [-20],
    chosenTokens: [5],
    rejectedTokens: [3],
  };
  const { preference, gradChosen, gradRejected } = await evaluateLoss(
    one,
    (logps) => ipoLoss(logps, { beta: 0.25 }),
  );
  assert(isClose(preference, 4), `${preference}`);
  assert(isClose(gradChosen[0], 4 / 5), `${gradChosen[0]}`);
  assert(isClose(gradRejected[0], -4 / 3), `${gradRejected[0]}`);
});
