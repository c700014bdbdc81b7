import assert from "node:assert/strict";
import { generate } from "../../eval/generate.ts";
import { describeKl, logRatios, whyNoKl } from "../../eval/reply_kl.ts";
import { decodingFacts, readReplyTokens, writeReplyTokens } from "../../eval/reply_tokens.ts";
import type { PromptReply, ReplyScorer } from "../../eval/score_pairs.ts";
import { mean, standardError } from "../../eval/stats/moments.ts";
import { ScriptedDecoder } from "./scripted_decoder.ts";

/** Token 0 ends a reply; what follows depends on how many were written. */
const LOGITS = {
  policy: [[0, 1, -1, 2], [1, -1, 0.5, 0]],
  reference: [[0.5, 0, 0, 0], [0, 0, 0, 1]],
};
const PROMPT = Int32Array.of(1, 2);
const END = 0;

function logSoftmax(logits: readonly number[]): number[] {
  const total = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0));
  return logits.map((logit) => logit - total);
}

function scorer(logits: readonly (readonly number[])[]): ReplyScorer {
  return (sequences) =>
    Promise.resolve(
      sequences.map(({ reply }) =>
        [...reply].reduce((sum, token, i) => sum + logSoftmax(logits[i])[token], 0)
      ),
    );
}

/** Σ over all replies of at most two tokens of π(y) · (log π(y) − log π_ref(y)). */
function exactKl(): number {
  const replies = [0, 1, 2, 3].flatMap((first) =>
    first === END ? [[first]] : [0, 1, 2, 3].map((second) => [first, second])
  );
  const logp = (reply: readonly number[], logits: readonly (readonly number[])[]) =>
    reply.reduce((sum, token, i) => sum + logSoftmax(logits[i])[token], 0);
  return replies.reduce((sum, reply) => {
    const [ours, theirs] = [LOGITS.policy, LOGITS.reference].map((one) => logp(reply, one));
    return sum + Math.exp(ours) * (ours - theirs);
  }, 0);
}

/** log π − log π_ref of replies drawn from the policy. */
async function drawnRatios(temperature: number, samples: number): Promise<number[]> {
  const decoder = new ScriptedDecoder(4, (tokens) => LOGITS.policy[tokens.length - PROMPT.length]);
  const [replies] = await generate(decoder, {
    prompts: [{ id: "p", tokens: PROMPT }],
    samples,
    decoding: { temperature, topP: 1, seed: 3, stream: "kl" },
    stopTokens: [END],
    maxNewTokens: 2,
  });
  const sequences: PromptReply[] = replies.map(({ tokens }) => ({ prompt: PROMPT, reply: tokens }));
  const [ours, theirs] = await Promise.all(
    [LOGITS.policy, LOGITS.reference].map((logits) => scorer(logits)(sequences)),
  );
  return logRatios(ours, theirs);
}

Deno.test("logRatios() of replies drawn at temperature 1 has the KL for its mean, and of others not", async () => {
  const kl = exactKl();
  const apart = (values: readonly number[]) => Math.abs(mean(values) - kl) / standardError(values);
  assert.ok(apart(await drawnRatios(1, 4000)) < 3, "within three standard errors");
  assert.ok(apart(await drawnRatios(0.5, 4000)) > 10, "a colder policy is another policy");
});

Deno.test("whyNoKl() takes temperature 1 over all tokens alone", () => {
  const drawn = { temperature: 1, topP: 1, seed: 0, stream: "s" };
  assert.equal(whyNoKl(drawn), null);
  assert.equal(whyNoKl("greedy"), "these are greedy");
  assert.equal(
    whyNoKl({ ...drawn, temperature: 0.7 }),
    "these were drawn with temperature 0.7, topP 1",
  );
  assert.equal(
    whyNoKl({ ...drawn, topP: 0.9, topK: 50 }),
    "these were drawn with temperature 1, topP 0.9, topK 50",
  );
});

Deno.test("describeKl() counts prompts, not replies, in its standard error", () => {
  const items = ["a", "b", "c"];
  const values = [1, 2, 6];
  assert.equal(
    describeKl({ items, values }),
    // √(4 + 1 + 9) / 3
    "KL to the reference 3.000 nats, standard error 1.247 over 3 prompts",
  );
  assert.equal(
    describeKl({ items: [...items, ...items], values: [...values, ...values] }),
    "KL to the reference 3.000 nats, standard error 1.247 over 3 prompts",
  );
  assert.equal(
    describeKl({ items: ["a"], values: [1] }),
    "KL to the reference 1.000 nats over 1 prompt",
  );
});

Deno.test("token ids and how they were drawn survive a folder, and stand in its facts", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const sequences = [{ prompt: Int32Array.of(1, 2), reply: Int32Array.of(3) }];
    const drawn = { temperature: 1, topP: 1, topK: 5, seed: 2, stream: "s" };
    for (const decoding of ["greedy", drawn] as const) {
      await writeReplyTokens(folder, { decoding, sequences });
      assert.deepEqual(await readReplyTokens(folder), { decoding, sequences });
    }
    assert.deepEqual(decodingFacts(drawn), { decoding: "drawn", ...drawn });
    assert.deepEqual(decodingFacts("greedy"), { decoding: "greedy" });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
