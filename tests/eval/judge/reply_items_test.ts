import assert from "node:assert/strict";
import { pairedItems, singleItems } from "../../../eval/judge/reply_items.ts";
import type { ReplyRow } from "../../../eval/reply_rows.ts";

function reply(id: string, text: string, chosen: string | null = "chosen"): ReplyRow {
  const prompt = [{ role: "user", content: `prompt ${id}` }] as const;
  return { id, prompt, text, stop: "end", runOn: [], tokens: 1, promptTokens: 1, chosen };
}

Deno.test("singleItems() and pairedItems() ask about replies, the baseline's first", () => {
  const common = { turn: 1, category: null, references: null };
  assert.deepEqual(singleItems([reply("a", "x")]), [
    { ...common, id: "a", questions: ["prompt a"], answers: [["x"]] },
  ]);
  const rows = [reply("a", "x"), reply("b", "y")];
  assert.deepEqual(pairedItems(rows, null).map(({ answers }) => answers), [
    [["chosen"], ["x"]],
    [["chosen"], ["y"]],
  ]);
  const others = [reply("b", "Y"), reply("a", "X"), reply("c", "Z")];
  assert.deepEqual(pairedItems(rows, others).map(({ answers }) => answers), [
    [["X"], ["x"]],
    [["Y"], ["y"]],
  ]);
});

Deno.test("pairedItems() names every reply without its counterpart", () => {
  const rows = [reply("row-1", "x"), reply("row-2", "y"), reply("row-3", "z", null)];
  assert.throws(() => pairedItems(rows, null), {
    name: "InputError",
    message: "row-3: Expected a chosen reply to compare with but found none.",
  });
  const moved = { ...reply("row-2", "Y"), prompt: reply("other", "").prompt };
  assert.throws(() => pairedItems(rows, [reply("row-1", "X"), moved]), {
    message: "2 problems:\n" +
      "  row-2: Expected the baseline's reply to the same prompt but found another prompt.\n" +
      '  row-3: Expected a reply of the baseline but found none. Did you mean "row-1"?',
  });
});
