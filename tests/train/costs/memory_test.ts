import assert from "node:assert/strict";
import {
  decodingMemory,
  keptPerToken,
  scoringMemory,
  trainingMemory,
} from "../../../train/costs/memory.ts";
import { modelSizes, shapeOf } from "../../../train/costs/model_sizes.ts";
import { SMALL } from "./small_shape.ts";

const RUN = { tokens: 10, replyTokens: 4, cells: 60 };

Deno.test("trainingMemory() holds weights, gradients and two moments of 340 float32, and what a run keeps", () => {
  assert.equal(keptPerToken(SMALL), 4 * 4 + 5 * 4 + 6 * 2 + 4 * 6);
  const layer = 72 * 10 + 2 * 60; // numbers of tokens, attention of two heads
  assert.deepEqual(bytesOf(trainingMemory(SMALL, { run: RUN, lanes: 1, recomputes: false })), {
    weights: 4 * 340,
    gradients: 4 * 340,
    moments: 8 * 340,
    activations: 4 * 3 * layer, // two layers kept, one in the making
    logits: 4 * 3 * 10 * 4,
  });
});

Deno.test("trainingMemory() of an adapter keeps gradients and moments of its own weights alone", () => {
  const adapter = { rank: 1, targets: ["q_proj" as const, "v_proj" as const] };
  const of = (lanes: number) =>
    bytesOf(trainingMemory(SMALL, { run: RUN, lanes, adapter, recomputes: false }));
  const [one, two] = [of(1), of(2)];
  assert.deepEqual([one.weights, one.gradients, one.moments], [4 * (340 + 28), 4 * 28, 8 * 28]);
  assert.deepEqual(
    [two.weights, two.gradients, two.moments],
    [one.weights, 2 * one.gradients, one.moments],
    "lanes gather gradients of their own",
  );
  assert.deepEqual([two.activations, two.logits], [2 * one.activations, 2 * one.logits]);
});

Deno.test("trainingMemory() keeps a layer's input alone where layers are computed again", () => {
  const memory = bytesOf(trainingMemory(SMALL, { run: RUN, lanes: 1, recomputes: true }));
  assert.equal(memory.activations, 4 * (2 * 4 * 10 + 2 * (72 * 10 + 2 * 60)));
});

Deno.test("scoringMemory() and decodingMemory() train nothing", () => {
  const scoring = bytesOf(scoringMemory(SMALL, RUN, 1));
  const twice = bytesOf(scoringMemory(SMALL, RUN, 2));
  assert.equal(twice.weights, scoring.weights, "lanes read the same weights");
  assert.equal(twice.logits, 2 * scoring.logits);
  assert.deepEqual(scoring, {
    weights: 4 * 340,
    activations: 4 * (72 * 10 + 2 * 2 * 60),
    logits: 4 * 3 * 10 * 4,
  });
  const decoding = bytesOf(decodingMemory(SMALL, { models: 2, rows: 3, length: 5 }));
  assert.deepEqual(decoding, {
    weights: 4 * 2 * 340,
    "weights laid out": 1.75 * 4 * (2 * 120 + 4 * 10), // the matrices of layers and head, of the one that writes
    cache: 4 * (2 * 2 * 1 * 2 * 3 * 5), // keys and values, layers, heads, C, rows, length
    logits: 2 * 4 * 3 * 10,
  });
});

Deno.test("shapeOf() reads what modelSizes() tells, and nothing from less", () => {
  const sizes = modelSizes(SMALL);
  assert.equal(sizes.parameters, 340);
  assert.deepEqual(shapeOf(sizes), SMALL);
  assert.equal(shapeOf({ ...sizes, layers: "2" }), null);
  assert.equal(shapeOf({ ...sizes, family: "bert" }), null);
  assert.equal(shapeOf(null), null);
});

/** Without the process itself, which is no arithmetic. */
function bytesOf(memory: readonly { what: string; bytes: number }[]): Record<string, number> {
  const parts = Object.fromEntries(memory.map(({ what, bytes }) => [what, bytes]));
  assert(parts.process > 0);
  delete parts.process;
  return parts;
}
