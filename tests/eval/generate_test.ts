import assert from "node:assert/strict";
import { generate, type GenerationRequest } from "../../eval/generate.ts";
import { certain, ScriptedDecoder } from "./scripted_decoder.ts";

const STOP = 0;
const prompt = (id: string, ...tokens: number[]) => ({ id, tokens: Int32Array.from(tokens) });
const sampled = { temperature: 1, topP: 1, seed: 7, stream: "policy" };
const base = { samples: 1, stopTokens: [STOP], maxNewTokens: 8 };

/** Counts down from the last token to the stop token 0. */
const countdown = () =>
  new ScriptedDecoder(9, (tokens) => certain(9, tokens[tokens.length - 1] - 1));

/** Uniform over five tokens, 0 being the stop token. */
const dice = () => new ScriptedDecoder(5, () => [0, 0, 0, 0, 0]);

Deno.test("generate() follows the logits until the stop token, which the reply holds", async () => {
  const prompts = [prompt("a", 5, 3), prompt("b", 2), prompt("c", 4, 1)];
  const replies = await generate(countdown(), { ...base, prompts, decoding: "greedy" });
  assert.deepEqual(replies.map(([{ tokens }]) => [...tokens]), [[2, 1, 0], [1, 0], [0]]);
  assert.ok(replies.every(([{ stop }]) => stop === "end"));
});

Deno.test("generate() cuts a reply at maxNewTokens and says so", async () => {
  const request = { ...base, prompts: [prompt("a", 8)], decoding: "greedy" as const };
  const [[reply]] = await generate(countdown(), { ...request, maxNewTokens: 3 });
  assert.deepEqual([[...reply.tokens], reply.stop], [[7, 6, 5], "length"]);
});

Deno.test("generate() lets waiting prompts take the places of finished rows", async () => {
  const decoder = countdown();
  const prompts = [prompt("a", 3), prompt("b", 1, 4), prompt("c", 1), prompt("d", 8, 8, 8, 2)];
  const request = { ...base, prompts, decoding: "greedy" as const, batchSize: 2 };
  const replies = await generate(decoder, request);
  const texts = replies.map(([{ tokens }]) => tokens.join(" "));
  assert.deepEqual(texts, ["2 1 0", "3 2 1 0", "0", "1 0"]);
  // "a" and "c" are read; "c" ends at once, and "b" is read. Both write on until "a" ends and "d" is
  // read; then "b" and "d" write on, and end.
  assert.deepEqual(decoder.rowsSeen, [2, 1, 2, 2, 1, 2]);
});

Deno.test("generate() draws the same replies whatever the batch size and order", async () => {
  const prompts = ["a", "b", "c", "d"].map((id, i) => prompt(id, ...new Array(1 + i % 2).fill(1)));
  const request: GenerationRequest = { ...base, prompts, samples: 5, decoding: sampled };
  const together = await generate(dice(), request);
  const alone = await generate(dice(), { ...request, batchSize: 1 });
  assert.deepEqual(alone, together);
  const turned = await generate(dice(), { ...request, prompts: [...prompts].reverse() });
  assert.deepEqual(turned.reverse(), together);
});

Deno.test("generate() gives each sample, seed and stream its own replies", async () => {
  const request = { ...base, prompts: [prompt("a", 1)], samples: 20 };
  const text = async (decoding: typeof sampled) =>
    (await generate(dice(), { ...request, decoding }))[0].map(({ tokens }) => tokens.join(" "));
  const first = await text(sampled);
  assert.ok(new Set(first).size > 10);
  assert.deepEqual(await text(sampled), first);
  assert.notDeepEqual(await text({ ...sampled, seed: 8 }), first);
  assert.notDeepEqual(await text({ ...sampled, stream: "other" }), first);
});

Deno.test("generate() reports progress and stops when asked", async () => {
  const done: number[] = [];
  const prompts = [prompt("a", 1), prompt("b", 1), prompt("c", 1)];
  const request = { ...base, prompts, decoding: "greedy" as const, batchSize: 2 };
  await generate(countdown(), { ...request, onProgress: (count) => done.push(count) });
  assert.deepEqual(done, [2, 3]);
  const signal = AbortSignal.abort(new Error("stop now"));
  await assert.rejects(generate(countdown(), { ...request, signal }), /stop now/);
});

Deno.test("generate() names a diverged model", async () => {
  const decoder = new ScriptedDecoder(2, () => [0, NaN]);
  const request = { ...base, prompts: [prompt("a", 1)], decoding: "greedy" as const };
  await assert.rejects(generate(decoder, request), {
    name: "ExpectedError",
    message: "The model gives the logit NaN to token 1; its weights have diverged.",
  });
});

Deno.test("generate() refuses a length of 0", async () => {
  const request = { ...base, prompts: [], decoding: "greedy" as const, maxNewTokens: 0 };
  await assert.rejects(generate(dice(), request), {
    name: "RangeError",
    message: "Expected maxNewTokens to be an integer greater than 0 but found 0.",
  });
});
