import assert from "node:assert/strict";
import { partsOf } from "../../../pipeline/prediction.ts";
import {
  decodingMemory,
  plainDecodingMemory,
  scoringMemory,
  type TrainingMemory,
  trainingMemory,
} from "../../../train/costs/memory.ts";
import { modelSizes, shapeOf } from "../../../train/costs/model_sizes.ts";
import { SMALL } from "./small_shape.ts";

const RUN = { bytes: 1000, keptBytes: 1300, nodes: 10 };

Deno.test("trainingMemory() holds weights, gradients and two moments of 340 float32, and what a run holds", () => {
  assert.deepEqual(bytesOf(trainingMemory(SMALL, { run: RUN, lanes: 1 })), {
    weights: 4 * 340,
    gradients: 4 * 340,
    moments: 8 * 340,
    activations: 1000,
  });
  const halved = trainingMemory(SMALL, { run: RUN, lanes: 1, moments: "bfloat16" });
  assert.equal(bytesOf(halved).moments, 4 * 340);
});

Deno.test("trainingMemory() of an adapter keeps gradients and moments of its own weights alone", () => {
  const adapter = { rank: 1, targets: ["q_proj" as const, "v_proj" as const] };
  const of = (lanes: number) => bytesOf(trainingMemory(SMALL, { run: RUN, lanes, adapter }));
  const [one, two] = [of(1), of(2)];
  assert.deepEqual([one.weights, one.gradients, one.moments], [4 * (340 + 28), 4 * 28, 8 * 28]);
  assert.deepEqual(
    [two.weights, two.gradients, two.moments],
    [one.weights, 2 * one.gradients, one.moments],
    "lanes gather gradients of their own",
  );
  assert.equal(two.activations, 2 * one.activations);
});

Deno.test("trainingMemory() of a GPU counts no process on it, and a base that is only read in its own precision", () => {
  const on = { run: RUN, lanes: 1, device: "cuda", precision: "bfloat16" } as const;
  const parts = partsOf(trainingMemory(SMALL, on), "gpu");
  const names = ["weights", "gradients", "moments", "update", "activations", "the device's own"];
  assert.deepEqual(parts.map(({ what }) => what), names);
  assert.equal(parts[0].bytes, 4 * 340, "what is trained is float32");
  const adapter = { rank: 1, targets: ["q_proj" as const, "v_proj" as const] };
  assert.equal(trainingMemory(SMALL, { ...on, adapter })[0].bytes, 2 * 340 + 4 * 28);
});

Deno.test("trainingMemory() of a GPU has in the host's memory the model as read, and what is copied back", () => {
  const on = { run: RUN, lanes: 1, device: "cuda" } as const;
  const of = (more: Partial<TrainingMemory>) =>
    bytesOf(partsOf(trainingMemory(SMALL, { ...on, ...more }), "host"));
  const read = { "model as read": 4 * 340, "weights copied": 4 * 340 };
  assert.deepEqual(of({}), { ...read, "moments copied": 8 * 340 });
  assert.deepEqual(of({ moments: "bfloat16" }), { ...read, "moments copied": 4 * 340 });
  assert.deepEqual(of({ offloadMoments: true }), { ...read, moments: 8 * 340 });
  const adapter = { rank: 1, targets: ["q_proj" as const, "v_proj" as const] };
  assert.deepEqual(of({ adapter }), {
    "model as read": 4 * 340,
    "weights copied": 4 * 28,
    "moments copied": 8 * 28,
  });
  const two = { "model as read": 8 * 340, "weights copied": 8 * 340, "under way": 16 * 340 };
  assert.deepEqual(of({ processes: 2 }), two);
  assert.deepEqual(of({ processes: 2, gathers: true }), { ...two, "moments copied": 8 * 340 });
});

Deno.test("trainingMemory() beside a session that scores: a processor's runs take turns, a GPU's keep their own", () => {
  const of = (more: Partial<TrainingMemory>) =>
    bytesOf(trainingMemory(SMALL, { run: RUN, lanes: 1, ...more }));
  const scores = { run: { bytes: 400, keptBytes: 500, nodes: 7 }, lanes: 3, inBlocks: true };
  const added = "activations of scoring";
  assert.equal(of({})[added], undefined);
  assert.equal(of({ scores })[added], 200, "three runs of 400 take the place of one of 1,000");
  assert.equal(of({ scores: { ...scores, lanes: 2 } })[added], 0);
  assert(of({ scores: { ...scores, inBlocks: false } })[added] > 200, "some is kept in vain");
  assert.equal(of({ scores, processes: 2 })[added], 400);
  const session = of({ scores })["sessions of scoring"];
  const fourteen = { ...scores, run: { ...scores.run, nodes: 14 } };
  assert(session > 0);
  assert.equal(of({ scores: fourteen })["sessions of scoring"], 2 * session);
  const onGpu = trainingMemory(SMALL, { run: RUN, lanes: 1, device: "cuda", scores });
  const { bytes, isOnGpu } = onGpu.find(({ what }) => what === added)!;
  assert.deepEqual([bytes, isOnGpu], [1200, true]);
});

Deno.test("what a GPU scores and decodes is read into the host's memory, in float32", () => {
  const on = { run: RUN, lanes: 1, device: "cuda", precision: "bfloat16" } as const;
  const scoring = scoringMemory(SMALL, on);
  assert.deepEqual(bytesOf(partsOf(scoring, "host")), { "model as read": 4 * 340 });
  assert.deepEqual(partsOf(scoring, "gpu").map(({ what }) => what), [
    ...["weights", "activations", "the device's own"],
  ]);
  const decoding = plainDecodingMemory(SMALL, { ...on, models: 2, rows: 3, length: 5 });
  assert.deepEqual(bytesOf(partsOf(decoding, "host")), { "model as read": 8 * 340 });
  assert.equal(partsOf(decoding, "gpu")[0].bytes, 2 * 2 * 340);
});

Deno.test("trainingMemory() of a GPU whose moments are offloaded has them in host memory alone", () => {
  const on = { run: RUN, lanes: 1, device: "cuda", offloadMoments: true } as const;
  const momentsOf = (more: Partial<TrainingMemory> = {}) =>
    trainingMemory(SMALL, { ...on, ...more }).filter(({ what }) => what === "moments");
  assert.deepEqual(momentsOf(), [{ what: "moments", bytes: 8 * 340 }]);
  assert.deepEqual(momentsOf({ moments: "bfloat16" }), [{ what: "moments", bytes: 4 * 340 }]);
  // A processor's are in its memory anyway.
  assert.deepEqual(
    trainingMemory(SMALL, { ...on, device: "cpu" }),
    trainingMemory(SMALL, { run: RUN, lanes: 1 }),
  );
});

Deno.test("trainingMemory() has on each GPU what updates hold, and none of it on a processor", () => {
  const updates = (more: Partial<TrainingMemory>) =>
    trainingMemory(SMALL, { run: RUN, lanes: 1, updateBytes: 700, ...more })
      .filter(({ what }) => what === "update");
  assert.deepEqual(updates({ device: "cuda" }), [{ what: "update", bytes: 700, isOnGpu: true }]);
  assert.equal(updates({ device: "cuda", processes: 3 })[0].bytes, 2100);
  assert.deepEqual(updates({}), []);
});

Deno.test("a process takes more the more nodes its graph has", () => {
  const process = (nodes: number) =>
    trainingMemory(SMALL, { run: { ...RUN, nodes }, lanes: 1 }).at(-1)!.bytes;
  assert(process(10_000) > process(10) && process(10) > 0);
});

Deno.test("scoringMemory() and decodingMemory() train nothing", () => {
  const scoring = bytesOf(scoringMemory(SMALL, { run: RUN, lanes: 1 }));
  const twice = bytesOf(scoringMemory(SMALL, { run: RUN, lanes: 2 }));
  assert.deepEqual([scoring.weights, scoring.activations], [4 * 340, 1000]);
  assert.equal(twice.weights, scoring.weights, "lanes read the same weights");
  assert.equal(twice.activations, 2 * scoring.activations);
  assert.equal(twice["freed and kept"], 2 * 300);
  const inBlocks = bytesOf(scoringMemory(SMALL, { run: RUN, lanes: 1, inBlocks: true }));
  assert.equal(inBlocks["freed and kept"], undefined, "where all that is freed goes back");
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
