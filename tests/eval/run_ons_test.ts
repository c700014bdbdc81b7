import assert from "node:assert/strict";
import type { Tokenizer } from "../../data/tokenizer/tokenizer.ts";
import { compileChatTemplate } from "../../data/tokenizer/chat_template.ts";
import { describeRunOns, runOnSigns, turnHeaders } from "../../eval/run_ons.ts";

/** What `turnHeaders` reads of a tokenizer. */
function tokenizerOf(source: string | null, specialTokens: readonly string[]): Tokenizer {
  const chatTemplate = source === null
    ? null
    : compileChatTemplate(source, { path: "inline", tokens: { eos_token: specialTokens[0] } });
  return { chatTemplate, specialTokens } as Tokenizer;
}

const LOOP = "{% for m in messages %}";
const END = "{% endfor %}";

Deno.test("turnHeaders() finds how templates of several styles open a turn", () => {
  const styles = {
    [`${LOOP}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n${END}`]: [
      ["<|im_end|>", "<|im_start|>"],
      ["<|im_start|>assistant", "<|im_start|>user"],
    ],
    [`${LOOP}<|{{ m.role }}|>\n{{ m.content + eos_token }}\n${END}`]: [
      ["</s>"],
      ["<|assistant|>", "<|user|>"],
    ],
    [`${LOOP}<|head|>{{ m.role }}<|/head|>\n\n{{ m.content }}<|eot|>${END}`]: [
      ["<|eot|>", "<|head|>", "<|/head|>"],
      ["<|head|>assistant<|/head|>", "<|head|>user<|/head|>"],
    ],
  };
  for (const [source, [special, headers]] of Object.entries(styles)) {
    assert.deepEqual(turnHeaders(tokenizerOf(source, special)), headers);
  }
});

Deno.test("turnHeaders() has none without a template, nor takes a bare word for one", () => {
  assert.deepEqual(turnHeaders(tokenizerOf(null, ["</s>"])), []);
  const bare = `${LOOP}{{ m.role }}\n{{ m.content + eos_token }}\n${END}`;
  assert.deepEqual(turnHeaders(tokenizerOf(bare, ["</s>"])), []);
});

Deno.test("runOnSigns() tells replies that end well from those that do not", () => {
  const headers = ["<|im_start|>user"];
  const signs = (text: string, stop: "end" | "length" = "end") =>
    runOnSigns({ text, stop }, headers);
  assert.deepEqual(signs("The user said: Paris. Paris, Paris."), []);
  assert.deepEqual(signs("Cut in the mid", "length"), ["no end token"]);
  assert.deepEqual(signs("Yes.<|im_start|>user\nAnd now?"), ["another turn"]);
  assert.deepEqual(signs(`So: ${"I am sorry for that. ".repeat(12)}`, "length"), [
    "no end token",
    "repetition",
  ]);
});

Deno.test("runOnSigns() wants a repetition to stand at the end, often enough and long enough", () => {
  const repeats = (text: string) => runOnSigns({ text, stop: "end" }, []).length === 1;
  const line = "Twenty-two letters ok. ";
  assert(repeats(line.repeat(4)));
  assert(!repeats(line.repeat(3)));
  assert(!repeats(`${line.repeat(4)}But then it ended.`));
  assert(!repeats("na na na na na"), "short ones are speech");
  assert(repeats("a".repeat(100)));
  assert(!repeats("a".repeat(60)));
  assert(!repeats("Title\n".padEnd(70, "-")));
});

Deno.test("describeRunOns() counts by sign and names the first", () => {
  const replies = Array.from({ length: 7 }, (_, i) => ({
    id: `p${i}`,
    runOn: i < 6 ? ["no end token" as const] : ["repetition" as const, "another turn" as const],
  }));
  assert.equal(
    describeRunOns([...replies, { id: "fine", runOn: [] }]),
    "7 of 8 replies run on: no end token 6 (p0, p1, p2, p3, p4, …); repetition 1 (p6); another turn 1 (p6)",
  );
  assert.equal(describeRunOns([{ id: "fine", runOn: [] }]), null);
});
