import assert from "node:assert/strict";
import { VOCABULARY } from "../../data/world/vocabulary.ts";
import { measureSnapshot, readCurve, writeCurve } from "../../eval/curve.ts";
import { selectSnapshot } from "../../eval/select_snapshot.ts";
import { decode, encode, saying, scoring, worldPrompt } from "./world_model.ts";

const pairs = [{
  id: "v/1",
  prompt: encode("<bos> copy dog cat <sep>"),
  chosen: encode("dog cat . <eos>"),
  rejected: encode("dog . <eos>"),
}];
const request = {
  prompts: [worldPrompt("v:1", "copy dog cat"), worldPrompt("v:2", "copy cat cow")],
  sampling: { temperature: 1, topP: 1, seed: 1, stream: "validation" },
  stopTokens: [VOCABULARY.indexOf("<eos>")],
  maxNewTokens: 16,
  decode,
  pairs,
  reference: [{ id: "v/1", chosenLogp: -5, rejectedLogp: -3 }],
};

Deno.test("measureSnapshot() gives means over validation prompts and pairs", async () => {
  const model = { decoder: saying(() => "dog cat ."), score: scoring(-1) };
  assert.deepEqual(await measureSnapshot(model, 40, request), {
    step: 40,
    values: {
      gold: 0.5,
      goldGreedy: 0.5,
      runOn: 0,
      length: 4,
      accuracy: 100,
      margin: 1,
      chosenLogp: -4,
      rejectedLogp: -3,
    },
  });
});

Deno.test("writeCurve() and readCurve() carry a curve through a folder", async () => {
  const curve = { points: [{ step: 40, values: { gold: 0.5 } }] };
  const folder = await Deno.makeTempDir();
  try {
    await writeCurve(folder, curve);
    assert.deepEqual(await readCurve(folder), curve);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

const curve = (gold: number[], runOn: number[]) => ({
  points: gold.map((value, i) => ({
    step: 40 * (i + 1),
    values: { gold: value, runOn: runOn[i] },
  })),
});

Deno.test("selectSnapshot() takes the best value, the earlier of equals", () => {
  const points = curve([0.6, 0.8, 0.8, 0.3], [9, 5, 5, 40]);
  assert.deepEqual(selectSnapshot(points, "gold"), { step: 80, value: 0.8 });
  assert.deepEqual(selectSnapshot(points, "runOn"), { step: 80, value: 5 });
});

Deno.test("selectSnapshot() does not hang on the order of the points", () => {
  const { points } = curve([0.8, 0.8], [1, 1]);
  assert.equal(selectSnapshot({ points: [...points].reverse() }, "gold").step, 40);
});

Deno.test("selectSnapshot() names what is missing", () => {
  assert.throws(() => selectSnapshot({ points: [] }, "gold"), {
    name: "RangeError",
    message: "Expected at least 1 point on the curve but found 0.",
  });
  assert.throws(() => selectSnapshot(curve([1], [1]), "goldGreedy"), {
    name: "RangeError",
    message: 'Expected "goldGreedy" at step 40 of the curve but found none.',
  });
});
