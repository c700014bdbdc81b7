import assert from "node:assert/strict";
import { VOCABULARY } from "../../data/world/vocabulary.ts";
import { measureSnapshot, readCurve, referenceReplies, writeCurve } from "../../eval/curve.ts";
import { selectSnapshot } from "../../eval/select_snapshot.ts";
import { generateJudged } from "../../eval/world_replies.ts";
import { decode, encode, saying, saysOneOf, scoring, worldPrompt } from "./world_model.ts";

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

Deno.test("measureSnapshot() counts wins over the reference's replies, and the KL on the snapshot's own", async () => {
  const model = { decoder: saying(() => "dog cat ."), score: scoring(-1) };
  // The first prompt is answered rightly by both; the second by neither, the reference running on.
  const replying = saying((prompt) => prompt === "copy dog cat" ? "dog cat ." : "dog ".repeat(20));
  const replies = await referenceReplies(replying, request);
  const over = { score: scoring(-1.5), replies };
  const { values } = await measureSnapshot(model, 40, { ...request, over });
  // Replies of 4 tokens, each half a nat likelier.
  assert.equal(values.kl, 2);
  const [tie, won] = [50, 100];
  assert.equal(values.winRate, (tie + won) / 2);
});

Deno.test("referenceReplies() are drawn independently of the snapshots'", async () => {
  const decoder = saysOneOf(["dog", "cat"]);
  const prompts = Array.from({ length: 40 }, (_, i) => worldPrompt(`v:${i}`, "copy dog cat"));
  const many = { ...request, prompts };
  const drawn = (await referenceReplies(decoder, many)).map(({ text }) => text);
  const own = (await generateJudged(decoder, { ...many, decoding: many.sampling })).flat();
  assert.notDeepEqual(drawn, own.map(({ text }) => text));
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
