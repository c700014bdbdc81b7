import assert from "node:assert/strict";
import { hingeLoss } from "../../../train/losses/hinge.ts";
import { AT_REFERENCE, evaluateLoss, isClose } from "./evaluate_loss.ts";

Deno.test("hingeLoss() equals 1 when policy equals reference", async () => {
  const { preference, regulariser } = await evaluateLoss(
    AT_REFERENCE,
    (logps) => hingeLoss(logps, { beta: 0.1 }),
  );
  assert(isClose(preference, 1), `${preference}`);
  assert.equal(regulariser, 0);
});

Deno.test("hingeLoss() gives no gradient to a pair past its margin", async () => {
  // h = 20 and 5: β·h = 2 (done) and 0.5 (half the way).
  const two = {
    policyChosen: [0, -5],
    policyRejected: [-20, -10],
    referenceChosen: [-10, -10],
    referenceRejected: [-10, -10],
    chosenTokens: [5, 5],
    rejectedTokens: [4, 4],
  };
  const { preference, gradChosen } = await evaluateLoss(
    two,
    (logps) => hingeLoss(logps, { beta: 0.1 }),
  );
  assert(isClose(preference, 0.25), `${preference}`);
  assert.equal(Math.abs(gradChosen[0]), 0);
  assert(isClose(gradChosen[1], -0.05), `${gradChosen[1]}`);
});
