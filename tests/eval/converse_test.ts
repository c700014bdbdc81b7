import assert from "node:assert/strict";
import { messagesOf } from "../../data/pair.ts";
import { compileChatTemplate } from "../../data/tokenizer/chat_template.ts";
import type { Tokenizer } from "../../data/tokenizer/tokenizer.ts";
import { type Conversation, converse } from "../../eval/converse.ts";
import { certain, ScriptedDecoder } from "./scripted_decoder.ts";

const END = 1;
const [BASE, SIZE] = [32, 100];
const template = compileChatTemplate(
  "{% for m in messages %}{{ m.role[0] + m.content }}{% endfor %}{% if add_generation_prompt %}>{% endif %}",
  { path: "inline", tokens: {} },
);
const tokenizer = {
  folder: "model",
  eosId: END,
  chatTemplate: template,
  specialTokens: [],
  encode: (text: string) => Int32Array.from(text, (letter) => letter.charCodeAt(0) - BASE),
  decode: (ids: ArrayLike<number>) =>
    Array.from(ids, (id) => String.fromCharCode(id + BASE)).join(""),
} as unknown as Tokenizer;

/** Replies with how many tokens it was shown: a letter for each, from A. */
const counting = () =>
  new ScriptedDecoder(SIZE, (tokens) => {
    const asked = tokens.lastIndexOf(">".charCodeAt(0) - BASE) + 1;
    return certain(SIZE, tokens.length > asked ? END : 32 + asked);
  });

const hold = (conversations: readonly Conversation[], more = {}) => {
  const done: number[] = [];
  const held = converse(
    {
      config: { maxPositions: 64, slidingWindow: null, eosTokenIds: [] },
      tokenizer,
      decoder: counting(),
    },
    {
      ...{ conversations, decoding: "greedy", maxNewTokens: 4 },
      onProgress: (count) => done.push(count),
      ...more,
    },
  );
  return held.then((turns) => ({ turns, done }));
};

Deno.test("converse() answers each category in its way, and each conversation as if by itself", async () => {
  const both = (categories: readonly [string, string]) => [
    { id: "81", opening: "xy", category: categories[0], followUps: ["z"] },
    { id: "82", opening: "x", category: categories[1], followUps: [] },
    { id: "83", opening: "xyz", category: categories[0], followUps: ["x"] },
  ];
  const drawn = { temperature: 50, topP: 1, seed: 3, stream: "s" };
  const decoding = { byCategory: { math: "greedy", writing: drawn } } as const;
  const { turns, done } = await hold(both(["math", "writing"]), { decoding });
  const greedy = (await hold(both(["math", "writing"]))).turns;
  const alone = (await hold(both(["math", "writing"]), { decoding: drawn })).turns;
  assert.deepEqual([turns[0], turns[2]], [greedy[0], greedy[2]]);
  assert.deepEqual(turns[1], alone[1]);
  assert.notDeepEqual(turns[1], greedy[1], "at this temperature nothing is certain");
  assert.equal(done.at(-1), 5, "turns are counted over all categories");
  assert.deepEqual(done, done.toSorted((a, b) => a - b));
  await assert.rejects(hold(both(["math", "wriitng"]), { decoding }), {
    name: "InputError",
    message: 'temperatures: Expected a temperature for the category "wriitng" but found those of ' +
      'math, writing. Did you mean "writing"?',
  });
});

Deno.test("converse() shows each turn all that was said, the model's own replies included", async () => {
  const { turns, done } = await hold([
    { id: "81", opening: "xy", category: null, followUps: ["z", "w"] },
    { id: "82", opening: "x", category: null, followUps: [] },
    { id: "83", opening: "xyz", category: null, followUps: ["x"] },
  ]);
  assert.deepEqual(turns.map((each) => each.map(({ id }) => id)), [
    ["81", "81, turn 2", "81, turn 3"],
    ["82"],
    ["83", "83, turn 2"],
  ]);
  const [first, second, third] = turns[0];
  assert.deepEqual([first.prompt, first.reply.text], ["xy", "D"], "uxy> is 4 tokens");
  assert.deepEqual(second.prompt, [
    { role: "user", content: "xy" },
    { role: "assistant", content: "D" },
    { role: "user", content: "z" },
  ]);
  assert.deepEqual([second.reply.text, second.promptTokens.length], ["H", 8], "uxyaDuz>");
  assert.deepEqual(messagesOf(third.prompt).map(({ content }) => content), [
    ...["xy", "D", "z", "H", "w"],
  ]);
  assert.equal(done.at(-1), 6);
  assert.deepEqual(done.toSorted((a, b) => a - b), done, "counted over all turns");
});

Deno.test("converse() cuts what is too long and says so; no conversations are none", async () => {
  const { turns: [[first, second]] } = await hold(
    [{ id: "a", opening: "xy", category: null, followUps: ["zzzz"] }],
    { maxPromptLength: 6 },
  );
  assert.deepEqual([first.truncated, second.truncated, second.promptTokens.length], [
    false,
    true,
    6,
  ]);
  assert.deepEqual((await hold([])).turns, []);
});
