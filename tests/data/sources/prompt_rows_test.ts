import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { InputError } from "../../../core/problem.ts";
import { readPromptRows } from "../../../data/sources/prompt_rows.ts";

async function read(text: string, encoding: "utf-8" | "latin1" = "utf-8") {
  const path = await Deno.makeTempFile({ suffix: ".jsonl" });
  try {
    await Deno.writeFile(path, Buffer.from(text, encoding));
    const rows = await readPromptRows(path);
    return rows.map(({ where, prompt }) => ({ where: where.slice(path.length), prompt }));
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("readPromptRows() takes texts and messages, and passes over other columns", async () => {
  const messages = [{ role: "system", content: "Be terse." }, { role: "user", content: "Hi" }];
  const lines = [{ prompt: "one", more: 1 }, { prompt: messages }];
  const rows = await read(`${lines.map((line) => JSON.stringify(line)).join("\n\n")}\n`);
  // The blank line between counts.
  assert.deepEqual(rows, [{ where: ":1", prompt: "one" }, { where: ":3", prompt: messages }]);
});

Deno.test("readPromptRows() names every bad line", async () => {
  const shape = "Expected a row {prompt} of a text, or of messages [{role, content}]";
  const cases: [string, string][] = [
    ["no json", 'Expected a JSON object but found "no json".'],
    ["[1]", 'Expected a JSON object but found "[1]".'],
    ['{"promt": "a"}', `${shape} but found columns promt.`],
    ["{}", `${shape} but found no column.`],
    ['{"prompt": 3}', `${shape} but found prompt: number.`],
    ['{"prompt": []}', "Expected messages in prompt but found none."],
    [
      '{"prompt": [{"role": "usr", "content": "a"}]}',
      'Expected prompt[0].role to be system, user or assistant but found "usr".',
    ],
    [
      '{"prompt": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "a"}]}',
      "Expected the prompt in prompt to begin and end with a user's message but found the " +
      "assistant's at its end.",
    ],
  ];
  const error = await read(cases.map(([line]) => line).join("\n")).catch((error) => error);
  assert(error instanceof InputError);
  assert.deepEqual(error.problems.map(({ message }) => message), cases.map(([, text]) => text));
  assert.deepEqual(error.problems.map(({ nearest }) => nearest).filter(Boolean), [
    "prompt",
    "user",
  ]);
  assert.match(error.problems[7].path, /\.jsonl:8$/);
});

Deno.test("readPromptRows() refuses a file without rows, and says how many more lines are bad", async () => {
  await assert.rejects(read("\n"), /Expected a row .* in each line but found none\./);
  await assert.rejects(read("x\n".repeat(25)), /5 more lines are bad\./);
});

Deno.test("readPromptRows() says of a file of another kind what it is", async () => {
  await assert.rejects(read("PAR1…"), /\.jsonl: Expected JSON lines but found a Parquet file\.$/);
  await assert.rejects(
    read("\x1f\x8b", "latin1"),
    /\.jsonl: Expected JSON lines but found gzip data; name it \.jsonl\.gz\.$/,
  );
  await assert.rejects(read(""), /\.jsonl: Expected rows of prompts but found an empty file\.$/);
  await assert.rejects(readPromptRows("none.jsonl"), /Expected a file of prompts but found none/);
});
