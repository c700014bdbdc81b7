import assert from "node:assert/strict";
import { InputError } from "../../core/problem.ts";
import { pairTokenizer, tokenizePrompt, truncate } from "../../data/tokenize.ts";
import type { ChatTemplate } from "../../data/tokenizer/chat_template.ts";
import { loadTokenizer, type Tokenizer } from "../../data/tokenizer/tokenizer.ts";

const END = 9;

/** One id a character (digits as themselves, anything else 0); `$` is the end token. */
function fakeTokenizer(change: Partial<Tokenizer> = {}): Tokenizer {
  const encode = (text: string) => Int32Array.from(text, (c) => c === "$" ? END : Number(c) || 0);
  return {
    folder: "tokenizer",
    vocabSize: 10,
    bosId: null,
    eosId: END,
    padId: null,
    chatTemplate: null,
    config: {},
    remarks: [],
    specialTokens: ["$"],
    compileTemplate: () => {
      throw new Error("not needed");
    },
    encode,
    encodeAll: (texts) => Promise.resolve(texts.map(encode)),
    digest: () => "fake",
    encoder: "native",
    decode: (ids) => Array.from(ids).join(""),
    ...change,
  };
}

Deno.test("pairTokenizer().all() gives each pair the row that it has alone", async () => {
  const pairs = [
    { id: "a", prompt: "1", chosen: "2$3", rejected: "4" },
    { id: "b", prompt: "12345", chosen: "", rejected: "678901" },
    { id: "c", prompt: "1", chosen: "5" },
    { id: "a", prompt: "1", chosen: "2$3", rejected: "4" },
  ];
  for (
    const chatTemplate of [
      null,
      template((messages) => messages.map((m) => m.content).join("0")),
    ]
  ) {
    const tokenizer = fakeTokenizer({ chatTemplate });
    const tokenize = pairTokenizer(tokenizer, { maxLength: 8, maxPromptLength: 3 });
    assert.deepEqual(await tokenize.all(pairs), pairs.map((pair) => tokenize(pair)));
  }
});

const template = (render: ChatTemplate["render"]): ChatTemplate => ({ source: "", render });
const lengths = { maxLength: 100, maxPromptLength: 50 };

Deno.test("pairTokenizer() without a template joins the texts and appends the end token", () => {
  const row = pairTokenizer(fakeTokenizer(), lengths)({
    id: "x:1",
    prompt: "12",
    chosen: "345",
    rejected: "",
  });
  assert.equal(row.id, "x:1");
  assert.deepEqual([...row.prompt], [1, 2]);
  assert.deepEqual([...row.chosen], [3, 4, 5, END]);
  assert.deepEqual([...row.rejected ?? []], [END]);
  assert.deepEqual(row.before, { prompt: 2, chosen: 4, rejected: 1 });
  assert.deepEqual([row.chosenEmpty, row.rejectedEmpty], [false, true]);
});

Deno.test("pairTokenizer() with a template takes all that follows the generation prompt as reply", () => {
  const chatTemplate = template((messages, { addGenerationPrompt }) =>
    messages.map(({ role, content }) => role === "user" ? `1${content}2` : `3${content}$4`)
      .join("") + (addGenerationPrompt ? "3" : "")
  );
  const tokenizer = fakeTokenizer({ chatTemplate });
  const row = pairTokenizer(tokenizer, lengths)({ id: "a", prompt: "7", chosen: "8" });
  assert.deepEqual([...row.prompt], [1, 7, 2, 3]);
  assert.deepEqual([...row.chosen], [8, END, 4]);
  assert.equal(row.rejected, null);
  assert.equal(row.boundaryMismatch, false);
  assert.deepEqual(tokenizePrompt(tokenizer, "7"), row.prompt);
});

Deno.test("pairTokenizer() cuts at the prompt's length and counts a prompt that is no prefix", () => {
  // Stands for a tokenizer that merges across the boundary: the generation prompt alone ends in 6.
  const chatTemplate = template((messages, { addGenerationPrompt }) =>
    messages.map(({ content }) => content).join("") + (addGenerationPrompt ? "6" : "$")
  );
  const row = pairTokenizer(fakeTokenizer({ chatTemplate }), lengths)({
    id: "a",
    prompt: "12",
    chosen: "345",
    rejected: "645",
  });
  assert.deepEqual([...row.prompt], [1, 2, 6]);
  assert.deepEqual([...row.chosen], [4, 5, END]);
  assert.deepEqual([...row.rejected ?? []], [4, 5, END]);
  assert.equal(row.boundaryMismatch, true);
});

Deno.test("pairTokenizer() tells equal texts, and replies that lost their end to truncation", () => {
  const tokenize = pairTokenizer(fakeTokenizer(), { maxLength: 5, maxPromptLength: 2 });
  const row = tokenize({ id: "a", prompt: "1", chosen: "23456", rejected: "2" });
  assert.deepEqual([...row.chosen], [2, 3, 4]);
  assert.deepEqual([row.chosenEnded, row.rejectedEnded, row.identicalText], [false, true, false]);
  const equal = tokenize({ id: "b", prompt: "1", chosen: "2", rejected: "2" });
  assert.equal(equal.identicalText, true);
});

Deno.test("pairTokenizer() takes for a reply's end what the template writes, not what the reply spells", () => {
  const ended = (write: (content: string) => string, chosen: string, maxLength = 30) => {
    const chatTemplate = template((messages, { addGenerationPrompt }) =>
      messages.map(({ role, content }) => role === "user" ? content : `3${write(content)}`).join(
        "",
      ) +
      (addGenerationPrompt ? "3" : "")
    );
    const options = { maxLength, maxPromptLength: 2 };
    const row = pairTokenizer(fakeTokenizer({ chatTemplate }), options)({
      ...{ id: "a", prompt: "7", chosen },
    });
    return row.chosenEnded;
  };
  assert.equal(ended((content) => `${content}$45`, "8"), true);
  assert.equal(ended((content) => `${content}$45`, "8$6"), true);
  assert.equal(ended((content) => `${content}$45`, "8", 5), true, "cut behind the end");
  assert.equal(ended((content) => `${content}$45`, "888", 5), false, "cut before the end");
  assert.equal(ended((content) => `${content}$45`, "8$66", 5), false, "a spelt end, then a cut");
  assert.equal(ended((content) => content, "8$6"), false, "no end but a spelt one");
  assert.equal(ended((content) => content, "8$"), false);
  assert.equal(ended((content) => content && `${content}$45`, "$6"), true);
});

Deno.test("pairTokenizer() notes a special token spelt in any of the texts", () => {
  const tokenize = pairTokenizer(fakeTokenizer(), lengths);
  const noted = (prompt: string, chosen: string, rejected?: string) =>
    tokenize({ id: "a", prompt, chosen, rejected }).specialInText;
  assert.deepEqual([noted("1$", "2"), noted("1", "$2"), noted("1", "2", "$")], [true, true, true]);
  assert.equal(noted("1", "2", "3"), false);
});

Deno.test("pairTokenizer() digests prompts, normalised ones beyond case, width and white space", () => {
  const tokenize = pairTokenizer(fakeTokenizer(), lengths);
  const digests = ["What is  RPO?\n", "what is rpo?", "what is ＲＰＯ?", "what is dpo?"].map((
    prompt,
  ) => tokenize({ id: "a", prompt, chosen: "1" }));
  assert.equal(new Set(digests.map((row) => row.promptDigest)).size, 4);
  const [a, b, c, other] = digests.map((row) => row.promptDigestNormalised);
  assert.equal(a, b);
  assert.equal(b, c);
  assert.notEqual(c, other);
});

const ids = (length: number) => Int32Array.from({ length }, (_, i) => i);
const cut = (prompt: number, chosen: number, rejected: number | null) => {
  const options = { maxLength: 10, maxPromptLength: 4 };
  const { pair, truncation } = truncate({
    prompt: ids(prompt),
    chosen: ids(chosen),
    rejected: rejected === null ? null : ids(rejected),
  }, options);
  return [pair.prompt.join(""), pair.chosen.join(""), pair.rejected?.join("") ?? null, truncation];
};

Deno.test("truncate() leaves a pair that fits, by its longer reply", () => {
  assert.deepEqual(cut(5, 5, 3), ["01234", "01234", "012", "none"]);
  assert.deepEqual(cut(5, 5, null), ["01234", "01234", null, "none"]);
});

Deno.test("truncate() first keeps the prompt's last tokens", () => {
  assert.deepEqual(cut(6, 2, 5), ["2345", "01", "01234", "prompt"]);
  assert.deepEqual(cut(6, 6, null), ["2345", "012345", null, "prompt"]);
});

Deno.test("truncate() then keeps both replies' first tokens, the shorter one's too", () => {
  assert.deepEqual(cut(6, 7, 8), ["2345", "012345", "012345", "prompt-and-replies"]);
  assert.deepEqual(cut(6, 2, 8), ["2345", "01", "012345", "prompt-and-replies"]);
});

Deno.test("truncate() gives replies no more room where the prompt is short", () => {
  assert.deepEqual(cut(2, 9, 3), ["01", "012345", "012", "replies"]);
});

Deno.test("pairTokenizer() refuses lengths that make no sense, and a tokenizer without end token", () => {
  const refused = (maxLength: number, maxPromptLength: number, message: string) =>
    assert.throws(
      () => pairTokenizer(fakeTokenizer(), { maxLength, maxPromptLength }),
      new RangeError(message),
    );
  refused(0, 1, "Expected maxLength to be an integer greater than 0 but found 0.");
  refused(9, 0.5, "Expected maxPromptLength to be an integer greater than 0 but found 0.5.");
  refused(9, 9, "Expected maxPromptLength to be below maxLength (9) but found 9.");
  assert.throws(() => pairTokenizer(fakeTokenizer({ eosId: null }), lengths), {
    name: "InputError",
    message: "tokenizer/tokenizer_config.json: Expected an eos_token, which ends every reply, " +
      "but found none.",
  });
});

const shared = new URL("../../../shared/", import.meta.url);
const present = await Deno.stat(new URL("golden/tokens.json", shared)).then(
  () => true,
  () => false,
);

async function readRows(path: string) {
  const text = await Deno.readTextFile(new URL(path, shared));
  return text.trimEnd().split("\n").map((line, i) => ({ id: `${i}`, ...JSON.parse(line) }));
}

const readJson = async (path: string) => JSON.parse(await Deno.readTextFile(new URL(path, shared)));

Deno.test({
  name: "pairTokenizer() gives the ids of transformers on the golden pairs (needs ../shared)",
  ignore: !present,
  async fn() {
    const tokenizer = await loadTokenizer(new URL("golden/tokenizer", shared).pathname);
    const golden = await readJson("golden/tokens.json");
    const tokenize = pairTokenizer(tokenizer, {
      maxLength: golden.max_length,
      maxPromptLength: golden.max_prompt_length,
    });
    const rows = (await readRows("golden/pairs.jsonl")).map((pair) => tokenize(pair));
    const found = rows.map(({ prompt, chosen, rejected }) => ({
      prompt: [...prompt],
      chosen: [...chosen],
      rejected: [...rejected ?? []],
    }));
    assert.deepEqual(found, golden.rows);
    assert.ok(new Set(rows.map(({ truncation }) => truncation)).size === 4);
  },
});

Deno.test({
  name: "pairTokenizer().all() gives 1,000 real pairs the rows they have alone (needs ../shared)",
  ignore: !present,
  async fn() {
    const folder = new URL("models/smollm2_tokenizer", shared).pathname;
    const lengths = { maxLength: 512, maxPromptLength: 256 };
    const alone = pairTokenizer(await loadTokenizer(folder), lengths);
    const together = pairTokenizer(await loadTokenizer(folder, { native: true }), lengths);
    const rows = (await readRows("data/ultrafeedback/train_prefs.jsonl")).slice(0, 1000);
    assert.equal(rows.length, 1000);
    assert.deepEqual(await together.all(rows), rows.map((row) => alone(row)));
  },
});

Deno.test({
  name: "pairTokenizer() counts the tokens of transformers for SmolLM2 (needs ../shared)",
  ignore: !present,
  async fn() {
    const tokenizer = await loadTokenizer(new URL("models/smollm2_tokenizer", shared).pathname);
    const tokenize = pairTokenizer(tokenizer, { maxLength: 4096, maxPromptLength: 2048 });
    const golden = await readJson("models/smollm2_golden/logps.json");
    const rows = (await readRows("models/smollm2_golden/pairs.jsonl")).map((pair) =>
      tokenize(pair)
    );
    assert.equal(rows.length, golden.rows.length);
    rows.forEach((row, i) => {
      const expected = golden.rows[i];
      assert.equal(row.chosen.length, expected.chosenTokens);
      assert.equal(row.rejected?.length, expected.rejectedTokens);
      assert.deepEqual([...row.prompt.slice(0, 40)], expected.prompt_ids_head);
    });
    const { greedy } = golden;
    assert.equal(tokenizer.decode(greedy.tokens, { keepSpecialTokens: true }), greedy.text);
  },
});

const turns = [
  { role: "system", content: "1" },
  { role: "user", content: "2" },
  { role: "assistant", content: "3" },
  { role: "user", content: "4" },
] as const;

Deno.test("pairTokenizer() renders every message of a prompt, and its last text means the same", () => {
  const chatTemplate = template((messages) => messages.map(({ content }) => content).join(""));
  const tokenize = pairTokenizer(fakeTokenizer({ chatTemplate }), lengths);
  const row = tokenize({ id: "a", prompt: turns, chosen: "5", rejected: "6$" });
  assert.deepEqual([...row.prompt], [1, 2, 3, 4]);
  assert.deepEqual([[...row.chosen], [...row.rejected ?? []]], [[5], [6, END]]);
  assert.equal(row.specialInText, true);
  const other = tokenize({
    id: "b",
    prompt: [...turns.slice(0, 3), { role: "user", content: "7" }],
    chosen: "5",
  });
  assert.notEqual(
    other.promptDigest,
    row.promptDigest,
    "the whole conversation tells prompts apart",
  );
  const text = tokenize({ id: "c", prompt: "4", chosen: "5" });
  const message = tokenize({ id: "d", prompt: [{ role: "user", content: "4" }], chosen: "5" });
  assert.deepEqual(message.prompt, text.prompt);
});

Deno.test("pairTokenizer() refuses a prompt of messages where no template says how to write them", () => {
  const tokenize = pairTokenizer(fakeTokenizer(), lengths);
  assert.throws(() => tokenize({ id: "a", prompt: turns, chosen: "5" }), {
    name: "InputError",
    message: "pair a: tokenizer: Expected a chat template, which a prompt of several messages " +
      "(system, user, assistant, user) needs, but found none.",
  });
});

/** A template that refuses prompts of a 7. */
const fussy = template((messages) => {
  if (messages[0].content !== "7") return messages.map(({ content }) => content).join("");
  throw new InputError([{ path: "t.jinja", message: "No sevens." }]);
});

Deno.test("pairTokenizer() names the pair that a template refuses, and all of many", async () => {
  const tokenize = pairTokenizer(fakeTokenizer({ chatTemplate: fussy }), lengths);
  const pairs = ["1", "7", "2", "7"].map((prompt, i) => ({ id: `f:${i}`, prompt, chosen: "3" }));
  assert.throws(() => tokenize(pairs[1]), {
    name: "InputError",
    message: "pair f:1: t.jinja: No sevens.",
  });
  await assert.rejects(tokenize.all(pairs), {
    name: "InputError",
    message: "2 problems:\n  pair f:1: t.jinja: No sevens.\n  pair f:3: t.jinja: No sevens.",
  });
});

Deno.test("pairTokenizer().all() names the pairs that no token writes, and passes on what failed", async () => {
  const failing = (error: Error) => {
    const encode = (text: string) => {
      if (text.includes("8")) throw error;
      return new Int32Array(1);
    };
    const encodeAll = (texts: readonly string[]) => Promise.resolve().then(() => texts.map(encode));
    return pairTokenizer(fakeTokenizer({ encode, encodeAll }), lengths);
  };
  const pairs = ["1", "8", "2"].map((prompt, i) => ({ id: `${i}`, prompt, chosen: "3" }));
  const unknown = new InputError([{ path: "tokenizer.json", message: "No token for 8." }]);
  await assert.rejects(failing(unknown).all(pairs), {
    name: "InputError",
    message: "pair 1: tokenizer.json: No token for 8.",
  });
  await assert.rejects(failing(new TypeError("broken")).all(pairs), new TypeError("broken"));
});
