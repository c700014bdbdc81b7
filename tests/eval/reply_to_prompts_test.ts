import assert from "node:assert/strict";
import { compileChatTemplate } from "../../data/tokenizer/chat_template.ts";
import type { Tokenizer } from "../../data/tokenizer/tokenizer.ts";
import {
  describeTruncation,
  type ReplyRequest,
  replyToPrompts,
  withSystem,
} from "../../eval/reply_to_prompts.ts";
import { certain, ScriptedDecoder } from "./scripted_decoder.ts";

const END = 1;
const template = compileChatTemplate(
  "{% for m in messages %}{{ m.role[0] + m.content }}{% endfor %}{% if add_generation_prompt %}>{% endif %}",
  { path: "inline", tokens: {} },
);

/** A letter a token: its code less 64, so that `>` would be negative; it and digits are 2. */
const tokenizer = {
  folder: "model",
  eosId: END,
  chatTemplate: template,
  specialTokens: [],
  encode: (text: string) =>
    Int32Array.from(text, (letter) => letter < "A" ? 2 : letter.charCodeAt(0) - 64),
  decode: (ids: ArrayLike<number>) =>
    Array.from(ids, (id) => String.fromCharCode(id + 64)).join(""),
} as unknown as Tokenizer;

const config = { maxPositions: 64, slidingWindow: null, eosTokenIds: [] };

/** Replies with the number of tokens read, counted down to 4 (D), then ends. */
function counting() {
  return new ScriptedDecoder(64, (tokens) => {
    const last = tokens[tokens.length - 1];
    const next = last === 2 ? tokens.length : last > 4 ? last - 1 : END;
    return certain(64, next);
  });
}

const ask = (request: Partial<ReplyRequest>, given = {}) =>
  replyToPrompts({ config, tokenizer, decoder: counting(), ...given }, {
    prompts: [{ id: "a", prompt: "XYZ" }],
    samples: 1,
    decoding: "greedy",
    maxNewTokens: 8,
    ...request,
  });

Deno.test("replyToPrompts() renders the generation prompt and leaves the end token out of the text", async () => {
  const [replied] = await ask({}); // uXYZ>
  assert.deepEqual(replied, {
    promptTokens: Int32Array.of(53, 24, 25, 26, 2),
    truncated: false,
    replies: [{ text: "ED", stop: "end", tokens: Int32Array.of(5, 4, END), runOn: [] }],
  });
});

Deno.test("replyToPrompts() cuts a reply, and keeps the last tokens of a long prompt", async () => {
  const replied = await ask({
    maxPromptLength: 9,
    maxNewTokens: 2,
    prompts: [
      { id: "a", prompt: "X".repeat(20) },
      { id: "b", prompt: "XYZ" },
    ],
  });
  assert.deepEqual(replied.map(({ promptTokens }) => promptTokens.length), [9, 5]);
  assert.deepEqual([...replied[0].promptTokens], [...Array(8).fill(24), 2]);
  assert.deepEqual(replied[0].replies, [
    { text: "IH", stop: "length", tokens: Int32Array.of(9, 8), runOn: ["no end token"] },
  ]);
  assert.equal(
    describeTruncation(replied),
    "1 of 2 prompts were too long and kept their last 9 tokens",
  );
  assert.equal(describeTruncation(replied.slice(1)), null);
});

Deno.test("replyToPrompts() takes messages, and the model's end tokens", async () => {
  const prompts = withSystem([{ id: "a", prompt: "XYZ" }], "S"); // sSuXYZ>
  const [{ replies: [reply] }] = await ask({ prompts }, {
    config: { ...config, eosTokenIds: [6] },
  });
  assert.deepEqual(reply, {
    text: "G",
    stop: "end",
    tokens: Int32Array.of(7, 6),
    runOn: [],
  });
});

Deno.test("replyToPrompts() refuses what does not fit, all at once", async () => {
  const plain = { tokenizer: { ...tokenizer, chatTemplate: null } };
  const prompts = [
    { id: "a", prompt: "" },
    { id: "b", where: "f.jsonl:3", prompt: [{ role: "user" as const, content: "X" }] },
  ];
  await assert.rejects(ask({ prompts }, plain), {
    message: "2 problems:\n  a: Expected a prompt but found an empty text.\n" +
      "  f.jsonl:3: Expected a chat template, which a prompt of several messages (user) needs, but found none.",
  });
  await assert.rejects(ask({ maxNewTokens: 64 }), {
    message: "maxNewTokens: Expected fewer new tokens than the model's 64 positions but found 64.",
  });
  await assert.rejects(ask({ maxPromptLength: 60 }), {
    message: "maxPromptLength: Expected at most 56 tokens, what 8 new ones leave of the model's " +
      "64 positions, but found 60.",
  });
  await assert.rejects(ask({}, { tokenizer: { ...tokenizer, eosId: null } }), {
    message: "model: Expected an eos_token, which ends every reply, but found none.",
  });
  const system = [{ role: "system" as const, content: "S" }];
  const given = [{ id: "a", where: "f:7", prompt: system }, { id: "b", prompt: "X" }];
  assert.throws(() => withSystem(given, "T"), {
    message: "f:7: Expected no system message, where --system gives one, but found one.",
  });
});
