import assert from "node:assert/strict";
import { VOCABULARY } from "../../data/world/vocabulary.ts";
import { evaluateWorld, type WorldEvaluation } from "../../eval/evaluate_world.ts";
import { metricSample, readEvaluation, writeEvaluation } from "../../eval/evaluation.ts";
import { METRIC_NAMES } from "../../eval/metrics.ts";
import { decode, encode, saying, scoring, worldPrompt } from "./world_model.ts";

const pair = (id: string, chosen: string, rejected: string) => ({
  id,
  prompt: encode("<bos> copy dog cat <sep>"),
  chosen: encode(`${chosen} <eos>`),
  rejected: encode(`${rejected} <eos>`),
});

const request = (): WorldEvaluation => ({
  policy: {
    decoder: saying((prompt) => prompt === "copy dog cat" ? "dog cat ." : "well pear pear pear ."),
    score: scoring(-1),
  },
  reference: { score: scoring(-1.5) },
  prompts: [
    worldPrompt("test:1", "copy dog cat"),
    worldPrompt("test:2", "say pear two times"),
    worldPrompt("test:3", "copy dog cat"),
  ],
  sampling: { temperature: 1, topP: 1, seed: 1, stream: "policy" },
  stopTokens: [VOCABULARY.indexOf("<eos>")],
  maxNewTokens: 16,
  decode,
  pairs: [pair("a/1", "dog cat .", "dog ."), pair("a/2", "dog .", "dog cow .")],
  outOfCoverage: [pair("a/run-on", "dog cat .", "dog cat cat cat .")],
  examples: 2,
});

Deno.test("evaluateWorld() judges sampled and greedy replies by the gold reward", async () => {
  const { evaluation: { metrics, itemSets, examples }, replies } = await evaluateWorld(request());
  assert.deepEqual(itemSets.prompts.items, ["test:1", "test:2", "test:3"]);
  const golds = metrics.gold!.values;
  assert.deepEqual([golds[0], golds[2]], [1, 1]);
  assert.ok(Math.abs(golds[1] - (1 - 0.3 - 0.2)) < 1e-12);
  assert.deepEqual(metrics.goldGreedy!.values, golds);
  assert.deepEqual(metrics.right!.values, [100, 0, 100]);
  assert.deepEqual(metrics.runOn!.values, [0, 100, 0]);
  assert.deepEqual(metrics.length!.values, [4, 6, 4]);
  assert.deepEqual(examples[0], {
    id: "test:1",
    prompt: "copy dog cat",
    category: "copy",
    text: "dog cat .",
    score: 1,
  });
  assert.equal(examples.length, 2);
  assert.deepEqual(replies[1], {
    id: "test:2",
    prompt: [{ role: "user", content: "say pear two times" }],
    text: "well pear pear pear .",
    ...{ stop: "end", runOn: [], tokens: 6, promptTokens: 6, chosen: null },
  });
});

Deno.test("evaluateWorld() takes KL from the policy's own samples, end token included", async () => {
  const { evaluation: { metrics } } = await evaluateWorld(request());
  // Half a nat a token: 4, 6 and 4 tokens.
  assert.deepEqual(metrics.kl!.values, [2, 3, 2]);
});

Deno.test("evaluateWorld() measures preferences on held-out pairs", async () => {
  const { evaluation: { metrics, itemSets } } = await evaluateWorld(request());
  // The policy gains half a nat a token, so it prefers the longer reply.
  assert.deepEqual(metrics.accuracy!.values, [100, 0]);
  assert.deepEqual(metrics.margin!.values, [0.5, -0.5]);
  assert.deepEqual(metrics.chosenLogp!.values, [-4, -3]);
  assert.deepEqual(metrics.chosenLogpChange!.values, [2, 1.5]);
  assert.deepEqual(metrics.chosenNll!.values, [1, 1]);
  assert.deepEqual(metrics.outOfCoverageAccuracy!.values, [0]);
  assert.equal(new Set(itemSets.pairs.clusters).size, 1);
});

Deno.test("evaluateWorld() holds every metric of the world, and none of pairs that it was not given", async () => {
  const { evaluation: all } = await evaluateWorld(request());
  const ofReplies = METRIC_NAMES.filter((name) => name !== "ended");
  assert.deepEqual(Object.keys(all.metrics).sort(), ofReplies.sort());
  const { evaluation: without } = await evaluateWorld({
    ...request(),
    pairs: [],
    outOfCoverage: [],
  });
  assert.equal("accuracy" in without.metrics, false);
  assert.equal("outOfCoverageAccuracy" in without.metrics, false);
  assert.equal(metricSample(without, "accuracy"), null);
});

Deno.test("evaluateWorld() gives equal prompts one cluster and survives a file", async () => {
  const { evaluation } = await evaluateWorld(request());
  const { items } = metricSample(evaluation, "gold")!;
  assert.equal(items[0], items[2]);
  assert.notEqual(items[0], items[1]);
  const folder = await Deno.makeTempDir();
  try {
    await writeEvaluation(folder, evaluation);
    assert.deepEqual(await readEvaluation(folder), evaluation);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
