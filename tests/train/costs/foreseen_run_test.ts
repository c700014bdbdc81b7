import assert from "node:assert/strict";
import { scoringRun, trainingRun } from "../../../train/costs/foreseen_run.ts";
import { SMALL } from "./small_shape.ts";

const SHAPE = { ...SMALL, hiddenSize: 64, intermediateSize: 128, headDim: 32, vocabSize: 100 };
const pair = (tokens: number) => ({ prompt: tokens, chosen: tokens, rejected: tokens });
const training = (layers: number, more: Partial<Parameters<typeof trainingRun>[1]> = {}) =>
  trainingRun({ ...SHAPE, layers }, { runs: [[pair(32)]], recomputes: false, ...more });

Deno.test("trainingRun() tells a deep model by shallow ones to the byte", () => {
  for (const recomputes of [false, true]) {
    const of = (layers: number) => training(layers, { recomputes });
    const [three, four, six] = [3, 4, 6].map(of);
    assert.equal(six.bytes - four.bytes, 2 * (four.bytes - three.bytes));
    assert.equal(six.nodes - four.nodes, 2 * (four.nodes - three.nodes));
  }
});

Deno.test("trainingRun() keeps what layers compute, unless they are computed again", () => {
  const grown = (recomputes: boolean) =>
    training(8, { recomputes }).bytes - training(4, { recomputes }).bytes;
  const tokens = 3 * 32; // of the prompt and both replies
  assert(grown(true) >= 4 * 4 * tokens * 64, "a layer's input is kept at least: tokens · D floats");
  assert(grown(true) < grown(false) / 4);
});

Deno.test("trainingRun() in bfloat16 keeps no matrices in 16 bits where layers are computed again", () => {
  const wide = { ...SHAPE, hiddenSize: 256, intermediateSize: 1024 };
  const matrices = 3 * 256 * 1024; // of a layer's MLP
  const grown = (recomputes: boolean) => {
    const [four, eight] = [4, 8].map((layers) =>
      trainingRun({ ...wide, layers }, {
        ...{
          runs: [[pair(4)]],
          recomputes,
          precision: "bfloat16" as const,
          device: "cuda" as const,
        },
      }).bytes
    );
    return (eight - four) / 4;
  };
  assert(grown(false) > 2 * matrices, "on the way back they are there still");
  assert(grown(true) < 2 * matrices / 10);
});

Deno.test("trainingRun() is that of the largest run, and of half of it in bfloat16", () => {
  const large = training(4, { runs: [[pair(64)]] });
  assert.deepEqual(training(4, { runs: [[pair(8)], [pair(64)], [pair(32)]] }), large);
  const on = (precision: "float32" | "bfloat16") =>
    training(24, { precision, device: "cuda" }).bytes;
  assert(on("bfloat16") < 0.7 * on("float32"));
});

Deno.test("scoringRun() holds one layer at a time, however many there are", () => {
  const of = (layers: number) => scoringRun({ ...SHAPE, layers }, { runs: [[pair(32), pair(16)]] });
  const layer = (of(12).bytes - of(3).bytes) / 9;
  assert(layer < 4 * 96 * 64 / 4, "less than a quarter of what passes from one to the next");
  assert(of(12).nodes > 2 * of(3).nodes);
  assert(of(3).bytes < training(3, { runs: [[pair(32), pair(16)]] }).bytes / 2);
});
