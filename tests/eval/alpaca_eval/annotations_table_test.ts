import assert from "node:assert/strict";
import { noteOf } from "../../../eval/alpaca_eval/annotations_table.ts";

Deno.test("noteOf() says how many annotations are no preference", () => {
  assert.equal(noteOf({ n: 805, notes: [] }, 805), null);
  assert.equal(noteOf({ n: 805, notes: ["A word."] }, 805), "A word.");
  assert.equal(
    noteOf({ n: 40, notes: ["A word."] }, 100),
    "40 of 100 annotations hold a preference; the others are left out of every rate. A word.",
  );
});
