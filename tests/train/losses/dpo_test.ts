import assert from "node:assert/strict";
import { dpoLoss } from "../../../train/losses/dpo.ts";
import { AT_REFERENCE, evaluateLoss, isClose } from "./evaluate_loss.ts";

Deno.test("dpoLoss() equals ln 2 when policy equals reference", async () => {
  const { preference, regulariser, gradChosen, gradRejected } = await evaluateLoss(
    AT_REFERENCE,
    (logps) => dpoLoss(logps, { beta: 0.1 }),
  );
  assert(isClose(preference, Math.LN2), `${preference}`);
  assert.equal(regulariser, 0);
  // d/dh of −log σ(βh) at 0 is −β/2, over two pairs.
  gradChosen.forEach((gradient) => assert(isClose(gradient, -0.025), `${gradient}`));
  gradRejected.forEach((gradient) => assert(isClose(gradient, 0.025), `${gradient}`));
});

Deno.test("dpoLoss() of one pair with β·h = ln 3 equals ln 4/3", async () => {
  // σ(ln 3) = 3/4.
  const one = {
    policyChosen: [-10 + Math.log(3)],
    policyRejected: [-20],
    referenceChosen: [-10],
    referenceRejected: [-20],
    chosenTokens: [5],
    rejectedTokens: [4],
  };
  const { preference } = await evaluateLoss(one, (logps) => dpoLoss(logps, { beta: 1 }));
  assert(Math.abs(preference - Math.log(4 / 3)) < 1e-14, `${preference}`);
});

Deno.test("dpoLoss() stays finite and exact for margins that would overflow exp()", async () => {
  const { preference } = await evaluateLoss(
    { ...AT_REFERENCE, policyChosen: [-10_000, 9_000], referenceChosen: [0, 0] },
    (logps) => dpoLoss(logps, { beta: 1 }),
  );
  // softplus(10000) = 10000 and softplus(−9000) = 0; h = 0 for the rejected halves.
  assert(isClose(preference, 5000), `${preference}`);
});

Deno.test("dpoLoss() keeps the small losses of pairs far apart to 1e-12", async () => {
  for (const h of [10, 20, 30, 40]) {
    const one = {
      policyChosen: [h],
      policyRejected: [0],
      referenceChosen: [0],
      referenceRejected: [0],
      chosenTokens: [1],
      rejectedTokens: [1],
    };
    const { preference } = await evaluateLoss(one, (logps) => dpoLoss(logps, { beta: 1 }));
    const expected = Math.log1p(Math.exp(-h));
    assert(Math.abs(preference / expected - 1) < 1e-12, `${h}: ${preference} ≠ ${expected}`);
  }
});
