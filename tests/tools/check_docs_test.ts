import assert from "node:assert/strict";
import { findUndocumented } from "../../tools/check_docs.ts";

function names(source: string): string[] {
  return findUndocumented("a.ts", source).map(({ name, line }) => `${line} ${name}`);
}

Deno.test("findUndocumented() reports exported functions and classes without a doc comment", () => {
  assert.deepEqual(
    names(`export function a() {}
/** What b does. */
export function b() {}
// not a doc comment
export const c = () => 1;
export class D {}
export const limit = 3;
export interface E {}
function hidden() {}
`),
    ["1 a", "5 c", "6 D"],
  );
});

Deno.test("findUndocumented() looks at the public methods of exported classes", () => {
  assert.deepEqual(
    names(`/** A store. */
export class Store {
  constructor() {}
  open() {}
  /** Closes it. */
  close() {}
  #inner() {}
  private own() {}
  override toString() { return ""; }
  [Symbol.dispose]() {}
}
/** Keeps what an interface says. */
export class Kept implements Keeper {
  keep() {}
}
`),
    ["4 Store.open"],
  );
});
