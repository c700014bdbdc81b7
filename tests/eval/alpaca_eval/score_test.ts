import assert from "node:assert/strict";
import fc from "fast-check";
import { scoreAlpacaEval } from "../../../eval/alpaca_eval/score.ts";
import { rawWinRate } from "../../../eval/alpaca_eval/raw_win_rate.ts";
import { textLength } from "../../../eval/alpaca_eval/text_length.ts";
import { sigmoid } from "../../../eval/stats/l1_logistic.ts";
import { judgedWorld } from "./judged_world.ts";

const WEIGHTS = { length: -1.5, difficulty: 0.8, constant: -0.4 };
const path = "annotations.json";
const world = judgedWorld(400, WEIGHTS);

/** What the judge would say of the instructions at no length difference, percent. */
function truth(values: Float64Array): number {
  const sum = values.reduce((total, d) => total + sigmoid(0.8 * d - 0.4), 0);
  return 100 * sum / values.length;
}

Deno.test("scoreAlpacaEval() finds the win rate that a judge of known weights gives at equal length", () => {
  const { lengthControlled, harnessLengthControlled, notes } = scoreAlpacaEval({ ...world, path });
  const expected = truth(world.difficulties.values);
  assert.ok(Math.abs(lengthControlled!.rate - expected) < 0.1, `${lengthControlled!.rate}`);
  assert.deepEqual(harnessLengthControlled, lengthControlled);
  assert.deepEqual(notes, []);
});

Deno.test("scoreAlpacaEval() takes difficulty by instruction, and by position as the harness does", () => {
  const annotations = world.annotations.slice(1);
  const found = scoreAlpacaEval({ ...world, annotations, path });
  const expected = truth(world.difficulties.values.subarray(1));
  assert.ok(Math.abs(found.lengthControlled!.rate - expected) < 0.1);
  // Every row has its neighbour's difficulty, which says nothing of it.
  assert.ok(Math.abs(found.harnessLengthControlled!.rate - expected) > 0.2);
  assert.match(
    found.notes[0],
    /^The file has 399 of 400 instructions, .* from row 1 on, alpaca_eval/,
  );
  assert.equal(found.n, 399);
});

Deno.test("scoreAlpacaEval() by instruction does not depend on the order of the rows", () => {
  const annotations = world.annotations.toReversed();
  const found = scoreAlpacaEval({ ...world, annotations, path });
  const before = scoreAlpacaEval({ ...world, path });
  assert.ok(Math.abs(found.lengthControlled!.rate - before.lengthControlled!.rate) < 1e-6);
  assert.equal(found.notes.length, 1);
});

Deno.test("scoreAlpacaEval() keeps the place of a row without a preference", () => {
  const annotations = world.annotations.map((row, i) =>
    i === 3 ? { ...row, preference: null } : row
  );
  const { n, lengthControlled, harnessLengthControlled } = scoreAlpacaEval({
    ...world,
    annotations,
    path,
  });
  assert.equal(n, 399);
  assert.deepEqual(harnessLengthControlled, lengthControlled);
});

Deno.test("scoreAlpacaEval() predicts from published weights by instruction, and over the first n difficulties", () => {
  const annotations = world.annotations.slice(5);
  const models = new Map([["model", WEIGHTS]]);
  const request = { ...world, annotations, path, weights: { path: "weights.csv", models } };
  const { lengthControlled, harnessLengthControlled, notes } = scoreAlpacaEval(request);
  const { values } = world.difficulties;
  assert.ok(Math.abs(lengthControlled!.rate - truth(values.subarray(5))) < 1e-9);
  assert.ok(Math.abs(harnessLengthControlled!.rate - truth(values.subarray(0, 395))) < 1e-9);
  assert.match(notes[0], /^The file has 395 of 400 instructions/);
  const whole = scoreAlpacaEval({ ...request, annotations: world.annotations });
  assert.deepEqual(whole.harnessLengthControlled, whole.lengthControlled);
  assert.deepEqual(whole.notes, []);
  const half = scoreAlpacaEval({ ...request, annotations: world.annotations.slice(0, 200) });
  assert.deepEqual(half.harnessLengthControlled, half.lengthControlled);
  const [part, all] = [truth(values.subarray(0, 200)), truth(values)].map((rate) =>
    rate.toFixed(2)
  );
  assert.deepEqual(half.notes, [
    "Predicted for 200 of 400 instructions (by position, alpaca_eval's: for the first 200): " +
    `${part} (${part}). For all 400 these weights give ${all}.`,
  ]);
  const unjudged = world.annotations.map((row, i) => i < 399 ? row : { ...row, preference: null });
  const lacking = scoreAlpacaEval({ ...request, annotations: unjudged });
  assert.match(lacking.notes[1], /^Predicted for 400 of 400 .* the first 399\)/);
  const other = new Map([...models, ["baseline", { ...WEIGHTS, constant: -0.4 }]]);
  const even = scoreAlpacaEval({ ...request, weights: { path: "weights.csv", models: other } });
  assert.equal(even.lengthControlled!.rate, 50, "a baseline in the file is taken off");
});

Deno.test("scoreAlpacaEval() calls a model against itself even", () => {
  const annotations = world.annotations.map((row) => ({ ...row, generator_2: "baseline" }));
  assert.equal(scoreAlpacaEval({ ...world, annotations, path }).lengthControlled!.rate, 50);
});

Deno.test("scoreAlpacaEval() has no length-controlled rate where lengths say nothing", () => {
  const annotations = world.annotations.map((row) => ({ ...row, output_1: "", output_2: "" }));
  const { lengthControlled, notes } = scoreAlpacaEval({ ...world, annotations, path });
  assert.equal(lengthControlled, null);
  assert.match(notes[0], /No length-controlled win rate/);
});

Deno.test("scoreAlpacaEval() refuses what it cannot score, naming row and field", () => {
  const [first, ...rest] = world.annotations;
  const wrong: [typeof world.annotations, string][] = [
    [
      [first, { ...rest[0], generator_2: "other" }],
      'annotations.json: row 2: generator_2: Expected one model in every row, "model", but found "other".',
    ],
    [
      [{ ...first, instruction: "unheard of" }, ...rest],
      "annotations.json: row 1: instruction: Expected an instruction of difficulty.jsonl but found " +
      '"unheard of".',
    ],
    [
      [...world.annotations, first],
      "annotations.json: Expected at most 400 rows, as difficulty.jsonl has, but found 401.",
    ],
    [
      [{ ...first, preference: null }],
      "annotations.json: Expected preferences but every row has none.",
    ],
  ];
  for (const [annotations, message] of wrong) {
    const score = () => scoreAlpacaEval({ ...world, annotations, path });
    assert.throws(score, { name: "InputError", message });
  }
  const models = new Map([["modle", WEIGHTS]]);
  assert.throws(
    () => scoreAlpacaEval({ ...world, path, weights: { path: "weights.csv", models } }),
    { message: 'weights.csv: Expected weights of "model" but found none. Did you mean "modle"?' },
  );
});

Deno.test("rawWinRate() of a model and of its baseline add up to 100", () => {
  const preferences = fc.array(
    fc.oneof(fc.double({ min: 1, max: 2, noNaN: true }), fc.constantFrom(0, 1.5)),
    { minLength: 2 },
  );
  const rows = (values: readonly number[]) =>
    values.map((preference) => ({ ...world.annotations[0], preference }));
  fc.assert(
    fc.property(preferences, (values) => {
      const [own, theirs] = [values, values.map((each) => each === 0 ? 0 : 3 - each)]
        .map((each) => rawWinRate(rows(each)));
      assert.ok(Math.abs(own.winRate + theirs.winRate - 100) < 1e-9);
      assert.ok(Math.abs(own.discreteWinRate + theirs.discreteWinRate - 100) < 1e-9);
      assert.ok(Math.abs(own.standardError! - theirs.standardError!) < 1e-9);
      assert.equal(own.wins + own.losses + own.draws, values.length);
    }),
    { numRuns: 60, seed: 1 },
  );
});

Deno.test("textLength() counts code points, as Python does", () => {
  // python3 -c "print([len(s) for s in ('', 'né', 'a🙂b', '👩‍👩‍👧')])"
  assert.deepEqual(["", "né", "a🙂b", "👩‍👩‍👧"].map(textLength), [0, 2, 3, 5]);
});
