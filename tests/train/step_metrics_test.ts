import assert from "node:assert/strict";
import { stepRecord } from "../../train/step_metrics.ts";

const outputs = {
  preference: 0.5,
  regulariser: 0.25,
  gradNorm: 3,
  policyChosen: [-8, -30, -5],
  policyRejected: [-22, -36, -9],
  partNorms: { preference: 1, regulariser: 3 },
};

const tokens = (length: number) => new Int32Array(length);
const pairs = [1, 2, 3].map((length) => ({
  prompt: tokens(10),
  chosen: tokens(length),
  rejected: tokens(1),
}));

const reference = [[-10, -20], [-30, -40], [-6, -10]].map(([chosenLogp, rejectedLogp], i) => ({
  id: `${i}`,
  chosenLogp,
  rejectedLogp,
  chosenTokens: 1,
  rejectedTokens: 1,
}));

Deno.test("stepRecord() derives rewards, margin and accuracy, derived by hand", () => {
  const record = stepRecord({ step: 3, lr: 1e-3, pairs, outputs, reference, beta: 0.5 });
  // β·(π − π_ref): chosen 1, 0, 0.5; rejected −1, 2, 0.5. A win, a loss and a tie.
  assert.deepEqual(record, {
    step: 3,
    loss: 0.75,
    dpoLoss: 0.5,
    sftLoss: 0.25,
    chosenLogp: -43 / 3,
    rejectedLogp: -67 / 3,
    rewardChosen: 0.5,
    rewardRejected: 0.5,
    margin: 0,
    accuracy: 0.5,
    gradNorm: 3,
    preferenceGradNorm: 1,
    regulariserGradNorm: 3,
    preferenceShare: 0.25,
    regulariserShare: 0.75,
    lr: 1e-3,
    pairs: 3,
    tokens: 39,
  });
});

Deno.test("stepRecord() has no rewards without a reference, and no rejected log-prob without pairs", () => {
  const alone = { ...outputs, policyRejected: null };
  const record = stepRecord({ step: 1, lr: 0, pairs, outputs: alone, reference: null, beta: null });
  assert.deepEqual(
    [record.rejectedLogp, record.rewardChosen, record.rewardRejected, record.margin],
    [null, null, null, null],
  );
  assert.equal(record.accuracy, null);
});

Deno.test("stepRecord() takes margins that differ in last bits for ties", () => {
  const moved = reference.map((row, i) => ({
    ...row,
    chosenLogp: outputs.policyChosen[i] + 1e-9,
    rejectedLogp: outputs.policyRejected![i],
  }));
  const record = stepRecord({ step: 1, lr: 1e-3, pairs, outputs, reference: moved, beta: 0.5 });
  assert.equal(record.accuracy, 0.5);
});
