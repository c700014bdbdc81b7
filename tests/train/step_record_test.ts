import assert from "node:assert/strict";
import { formatStepRecords, parseStepRecords, type StepRecord } from "../../train/step_record.ts";

function record(step: number): StepRecord {
  return {
    step,
    loss: 0.75,
    dpoLoss: 0.5,
    sftLoss: 0.25,
    chosenLogp: -10 / 3,
    rejectedLogp: null,
    rewardChosen: null,
    rewardRejected: null,
    margin: null,
    accuracy: null,
    gradNorm: 1e-9,
    preferenceGradNorm: null,
    regulariserGradNorm: null,
    preferenceShare: null,
    regulariserShare: null,
    lr: 2e-4,
    pairs: 2,
    tokens: 30,
  };
}

Deno.test("parseStepRecords() reads back exactly what formatStepRecords() wrote", () => {
  const records = [record(1), record(2)];
  assert.deepEqual(parseStepRecords(formatStepRecords(records)), records);
  assert.deepEqual(parseStepRecords(""), []);
});

Deno.test("parseStepRecords() leaves out a line that was cut off, and what follows a damaged one", () => {
  const text = formatStepRecords([record(1), record(2), record(3)]);
  assert.deepEqual(parseStepRecords(text.slice(0, -1)), [record(1), record(2)]);
  assert.deepEqual(parseStepRecords(text.replace('"step":2', '"step":5')), [record(1)]);
  assert.deepEqual(parseStepRecords(text.replace('{"step":2', '["step":2')), [record(1)]);
});
