import assert from "node:assert/strict";
import fc from "fast-check";
import { repeatedKeys } from "../../core/json_keys.ts";

Deno.test("repeatedKeys() names each key that stands twice in one object, with those around it", () => {
  assert.deepEqual(repeatedKeys('{"a": {"b": 1, "c": [{"d": 1, "d": 2}], "b": 3}, "a": 1}'), [
    "a.c.d",
    "a.b",
    "a",
  ]);
  assert.deepEqual(repeatedKeys('{"a": [{"x": 1}, {"x": 2}], "b": {"a": "\\"a\\": {"}}'), []);
});

Deno.test("repeatedKeys() reads keys however they are spelt, and strings however long they are", () => {
  assert.deepEqual(repeatedKeys(String.raw`{"chosen": "\\", "\u0063hosen": "\""}`), ["chosen"]);
  const long = JSON.stringify({ a: "\n".repeat(8e6), b: '"a":'.repeat(1e6) });
  assert.deepEqual(repeatedKeys(`[${long}, {"c": 1, "c": 2}]`), ["c"]);
});

Deno.test("repeatedKeys() finds none in what JSON.stringify() writes", () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => {
    assert.deepEqual(repeatedKeys(JSON.stringify(value, null, 1)), []);
  }));
});
