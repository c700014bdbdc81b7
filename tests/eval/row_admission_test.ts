import assert from "node:assert/strict";
import { placesFor, positionsFor, RowAdmission } from "../../eval/row_admission.ts";

const rules = {
  lengthOf: (length: number) => length,
  maxNewTokens: 10,
  mostRows: 512,
  mostPositions: Infinity,
};

Deno.test("RowAdmission lets the shortest prompts begin first, those of one length together", () => {
  const admission = new RowAdmission([9, 4, 7, 4], rules);
  assert.deepEqual(admission.next(0), { rows: [4, 4], room: { rows: 4, positions: 14 } });
  assert.deepEqual(admission.next(2)?.rows, [7]);
  assert.deepEqual(admission.next(3)?.rows, [9]);
  assert.equal(admission.next(4), null);
});

Deno.test("RowAdmission waits until an eighth of the places is free", () => {
  const admission = new RowAdmission(Array(40).fill(6), { ...rules, mostRows: 16 });
  assert.equal(admission.next(0)?.rows.length, 16);
  assert.equal(admission.next(16), null);
  assert.equal(admission.next(15), null);
  assert.equal(admission.next(14)?.rows.length, 2);
  const few = new RowAdmission(Array(9).fill(6), { ...rules, mostRows: 7 });
  assert.equal(few.next(0)?.rows.length, 7);
  assert.equal(few.next(6)?.rows.length, 1, "of few places each counts");
});

Deno.test("RowAdmission bounds rows times the positions that each may come to", () => {
  const admission = new RowAdmission([6, 6, 6, 22, 22], { ...rules, mostPositions: 64 });
  // 16 positions each: four places, of which the longer prompts, at 32 each, can have but two.
  assert.deepEqual(admission.next(0), {
    rows: [6, 6, 6],
    room: { rows: 4, positions: 16 },
  });
  assert.equal(admission.next(3), null);
  assert.equal(admission.next(2), null);
  assert.deepEqual(admission.next(1), { rows: [22], room: { rows: 2, positions: 32 } });
  assert.equal(admission.next(2), null);
  assert.deepEqual(admission.next(0)?.rows, [22]);
});

Deno.test("RowAdmission lets a row begin alone that is too long for any bound", () => {
  const admission = new RowAdmission([100, 100], { ...rules, mostPositions: 1 });
  assert.deepEqual(admission.next(0)?.rows, [100]);
  assert.equal(admission.next(1), null);
  assert.deepEqual(admission.next(0)?.rows, [100]);
});

Deno.test("positionsFor() gives a quarter more at the most", () => {
  assert.deepEqual([1, 5, 7, 8, 9, 17, 192, 200].map(positionsFor), [1, 5, 7, 8, 10, 20, 192, 224]);
  for (let tokens = 1; tokens < 5000; tokens++) {
    const positions = positionsFor(tokens);
    assert(positions >= tokens && positions <= 1.25 * tokens, `${tokens}: ${positions}`);
  }
});

Deno.test("placesFor() is one at the least", () => {
  const bounds = { mostRows: 8, mostPositions: 100 };
  assert.deepEqual([1, 30, 100, 101].map((each) => placesFor(each, bounds)), [8, 3, 1, 1]);
});
