import assert from "node:assert/strict";
import {
  collectOutOfCoverage,
  collectPairs,
  type PairCollection,
} from "../../eval/collect_pairs.ts";
import { goldReward } from "../../data/world/gold.ts";
import { VOCABULARY } from "../../data/world/vocabulary.ts";
import { generateJudged, type JudgedReply, type WorldPrompt } from "../../eval/world_replies.ts";
import type { ScriptedDecoder } from "./scripted_decoder.ts";
import { choosing, decode, saying, saysOneOf, worldPrompt } from "./world_model.ts";

const sampling = {
  decoding: { temperature: 1, topP: 1, seed: 1, stream: "collect" },
  stopTokens: [VOCABULARY.indexOf("<eos>")],
  maxNewTokens: 16,
  decode,
};
const labels: PairCollection = { labelTemperature: 0, labelSeed: 1, pairsPerPrompt: 4 };
const prompts = Array.from(
  { length: 30 },
  (_, i) => worldPrompt(`p${i}`, i % 2 === 0 ? "copy dog cat" : "say apple two times"),
);
/** Replies of one word: `dog` earns half at `copy dog cat`, `cow` nothing; likewise `apple`. */
const guesser = () => saysOneOf(["dog", "cow", "apple"]);

async function repliesOf(decoder: ScriptedDecoder, prompts: WorldPrompt[], samples = 24) {
  const replies = await generateJudged(decoder, { ...sampling, prompts, samples });
  return prompts.map((prompt, i) => ({ prompt, replies: replies[i] }));
}

Deno.test("collectPairs() without noise always chooses the higher gold reward", async () => {
  const { rows, counts } = collectPairs(await repliesOf(guesser(), prompts), labels);
  assert.ok(rows.length > 60);
  for (const { prompt, chosen, rejected, meta } of rows) {
    const gold = (text: string) => goldReward(prompt as string, { text, ended: true });
    assert.deepEqual(meta, { goldChosen: gold(chosen), goldRejected: gold(rejected!) });
    assert.ok(gold(chosen) > gold(rejected!));
  }
  assert.equal(counts.wrongLabels, 0);
  assert.equal(counts.pairs, rows.length);
  assert.equal(counts.replies, 30 * 24);
});

Deno.test("collectPairs() gives at most pairsPerPrompt pairs a prompt, numbered from 1", async () => {
  const replies = await repliesOf(guesser(), prompts.slice(0, 5));
  const { rows } = collectPairs(replies, { ...labels, pairsPerPrompt: 2 });
  assert.deepEqual(
    rows.map(({ id }) => id),
    [0, 1, 2, 3, 4].flatMap((i) => [`p${i}/1`, `p${i}/2`]),
  );
  const limited = collectPairs(replies, { ...labels, pairsPerPrompt: 2, maxPairs: 3 });
  assert.deepEqual(limited.rows, rows.slice(0, 3));
});

Deno.test("collectPairs() labels by Bradley-Terry: a quarter wrong where the odds are three to one", async () => {
  // Rewards differ by 1/2, so tau = 0.5 / ln 3 makes P(wrong) = 1/4.
  const many = Array.from({ length: 200 }, (_, i) => worldPrompt(`p${i}`, "copy dog cat"));
  const noisy = { ...labels, labelTemperature: 0.5 / Math.log(3) };
  const { counts } = collectPairs(await repliesOf(guesser(), many), noisy);
  assert.ok(counts.pairs > 500);
  assert.ok(Math.abs(counts.wrongLabels - 25) < 5, `${counts.wrongLabels}`);
});

Deno.test("collectPairs() drops run-on replies unseen", async () => {
  const runOn = saying(() => "dog cat cat cat .");
  const { rows, counts } = collectPairs(await repliesOf(runOn, prompts), labels);
  assert.deepEqual(rows, []);
  assert.equal(counts.covered, 0);
  assert.equal(counts.promptsWithoutPair, prompts.length);
});

Deno.test("collectPairs() makes no pair of equal rewards", async () => {
  const same = saying((prompt) => prompt === "copy dog cat" ? "dog cat ." : "apple apple .");
  const { rows, counts } = collectPairs(await repliesOf(same, prompts), labels);
  assert.deepEqual(rows, []);
  assert.equal(counts.covered, counts.replies);
});

Deno.test("collectOutOfCoverage() pairs a covered reply with a worse run-on", async () => {
  // After `dog cat` the model is as likely to go on as to stop.
  const decoder = choosing((said) =>
    said.length < 2
      ? [["dog"], ["cat"]][said.length]
      : said.at(-1) === "."
      ? ["<eos>"]
      : [".", "cat"]
  );
  const replies = await repliesOf(decoder, prompts.slice(0, 1), 12);
  const [row, ...rest] = collectOutOfCoverage(replies);
  assert.deepEqual(rest, []);
  assert.deepEqual(row, {
    id: "p0/run-on",
    prompt: "copy dog cat",
    chosen: "dog cat .",
    rejected: "dog cat cat .",
    meta: { goldChosen: 1, goldRejected: 0.8 },
  });
});

Deno.test("collectOutOfCoverage() leaves out a run-on that never ended", async () => {
  const endless = saying(() => new Array(40).fill("dog").join(" "));
  assert.deepEqual(collectOutOfCoverage(await repliesOf(endless, prompts, 2)), []);
});

/** Two replies to one prompt whose rewards differ by the rounding of their sums alone. */
function tied(kind: JudgedReply["kind"], covered: boolean) {
  const reply = { tokens: new Int32Array(0), text: "dog .", stop: "end" as const };
  const replies = [
    { ...reply, gold: 0.5, kind: "wrong" as const, covered: true },
    { ...reply, gold: 0.5 - 2 ** -53, kind, covered },
  ];
  return [{ prompt: { id: "p0", prompt: "copy dog cat" }, replies }];
}

Deno.test("collectPairs() and collectOutOfCoverage() take a difference by rounding alone for a tie", () => {
  assert.deepEqual(collectPairs(tied("wrong", true), labels).rows, []);
  assert.deepEqual(collectOutOfCoverage(tied("run-on", false)), []);
});
