import assert from "node:assert/strict";
import { parsePreferenceRow } from "../../../data/sources/preference_row.ts";
import { readPreferenceRows } from "../../../data/sources/preference_rows.ts";
import { writeParquet } from "./write_parquet.ts";

const user = (content: string) => ({ role: "user" as const, content });
const assistant = (content: string) => ({ role: "assistant" as const, content });
const system = (content: string) => ({ role: "system" as const, content });
const PAIR = { prompt: "p", chosen: "c", rejected: "r" };

const SAME: Readonly<Record<string, Record<string, unknown>>> = {
  "plain strings": PAIR,
  "UltraFeedback's rows, with other columns": {
    prompt: "p",
    prompt_id: "1",
    chosen: [user("p"), assistant("c")],
    rejected: [user("p"), assistant("r")],
    messages: [],
    score_chosen: 8,
  },
  "TRL's conversational rows": {
    prompt: [user("p")],
    chosen: [assistant("c")],
    rejected: [assistant("r")],
  },
  "a text as prompt and replies as messages": {
    prompt: "p",
    chosen: [assistant("c")],
    rejected: [assistant("r")],
  },
  "a prompt of messages that the conversations repeat": {
    prompt: [user("p")],
    chosen: [user("p"), assistant("c")],
    rejected: [user("p"), assistant("r")],
  },
  "whole conversations without prompt": {
    dataset: "d",
    chosen: [user("p"), assistant("c")],
    rejected: [user("p"), assistant("r")],
    chosen_rating: 5,
  },
};

for (const [name, row] of Object.entries(SAME)) {
  Deno.test(`parsePreferenceRow() gives the same pair for ${name}`, () => {
    assert.deepEqual(parsePreferenceRow(row), PAIR);
  });
}

Deno.test("parsePreferenceRow() keeps a system message and earlier turns as the prompt", () => {
  const before = [system("s"), user("1"), assistant("2"), user("3")];
  const expected = { prompt: before, chosen: "c", rejected: "r" };
  const whole = { chosen: [...before, assistant("c")], rejected: [...before, assistant("r")] };
  assert.deepEqual(parsePreferenceRow(whole), expected);
  assert.deepEqual(parsePreferenceRow({ ...whole, prompt: "3" }), expected);
  assert.deepEqual(
    parsePreferenceRow({ prompt: before, chosen: [assistant("c")], rejected: [assistant("r")] }),
    expected,
  );
});

Deno.test("readPreferenceRows() reads texts and messages of a Parquet file, brackets in its name", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/train[1]*.parquet`;
  await writeParquet(
    path,
    `SELECT 'p' || range AS prompt, 1 AS score,
       [{'content': 'p' || range, 'role': 'user'}, {'content': 'ü😀', 'role': 'assistant'}] AS chosen,
       [{'content': 'p' || range, 'role': 'user'}, {'content': '', 'role': 'assistant'}] AS rejected
     FROM range(5000)`,
  );
  const rows = await Array.fromAsync(readPreferenceRows(path, { limit: 4000 }));
  assert.equal(rows.length, 4000);
  assert.deepEqual(rows[3999], {
    id: "train[1]*.parquet:4000",
    prompt: "p3999",
    chosen: "ü😀",
    rejected: "",
  });
  await Deno.remove(folder, { recursive: true });
});

Deno.test("readPreferenceRows() names the nearest file where one is missing", async () => {
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/pairs.jsonl`, "");
  await assert.rejects(Array.fromAsync(readPreferenceRows(`${folder}/pair.jsonl`)), {
    name: "InputError",
    message:
      `${folder}/pair.jsonl: Expected a file of pairs but found none. Did you mean "pairs.jsonl"?`,
  });
  await assert.rejects(Array.fromAsync(readPreferenceRows(folder)), {
    message: `${folder}: Expected a file of pairs but found a folder.`,
  });
  await Deno.remove(folder, { recursive: true });
});

const real = new URL("../../../../shared/data/ultrafeedback/", import.meta.url).pathname;
const there = await Deno.stat(real).then(() => true, () => false);

Deno.test({
  name:
    "UltraFeedback's real rows are the same pairs as JSON lines and as Parquet (needs ../shared)",
  ignore: !there,
  fn: async () => {
    const folder = await Deno.makeTempDir();
    for (const split of ["train_prefs", "test_prefs"]) {
      const lines = await Array.fromAsync(readPreferenceRows(`${real}${split}.jsonl`));
      const source =
        `read_json('${real}${split}.jsonl', columns = {prompt: 'VARCHAR', chosen: 'VARCHAR', rejected: 'VARCHAR'})`;
      const talk = (reply: string) =>
        `[{'content': prompt, 'role': 'user'}, {'content': ${reply}, 'role': 'assistant'}] AS ${reply}`;
      const shapes = {
        plain: `SELECT * FROM ${source}`,
        messages: `SELECT prompt, ${talk("chosen")}, ${talk("rejected")} FROM ${source}`,
      };
      for (const [shape, select] of Object.entries(shapes)) {
        const path = `${folder}/${shape}.parquet`;
        await writeParquet(path, select);
        const table = await Array.fromAsync(readPreferenceRows(path));
        const withId = table.map((pair, i) => ({ ...pair, id: `${split}.jsonl:${i + 1}` }));
        assert.deepEqual(withId, lines, `${split}, ${shape}`);
      }
      assert.equal(lines.length, split === "train_prefs" ? 1000 : 200);
    }
    await Deno.remove(folder, { recursive: true });
  },
});
