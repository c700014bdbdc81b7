import assert from "node:assert/strict";
import {
  broadcastDims,
  canonicalDim,
  differenceDim,
  productDim,
  sumDim,
} from "../../../train/graph/dims.ts";

Deno.test("canonicalDim() spells equal sizes alike", () => {
  assert.equal(canonicalDim("T*S"), "S*T");
  assert.equal(canonicalDim("2*T+S*3+T"), "3*S+3*T");
  assert.equal(canonicalDim("1+P"), "P+1");
  assert.equal(canonicalDim("-S+T-1"), "-S+T-1");
  assert.equal(canonicalDim("S-S+4"), 4);
  assert.equal(canonicalDim(7), 7);
});

Deno.test("canonicalDim() refuses what is no size", () => {
  assert.throws(
    () => canonicalDim("S/2"),
    new RangeError('Expected a size such as "S", "S*T" or "P+1" but found "S/2".'),
  );
  assert.throws(
    () => canonicalDim(0.5),
    new RangeError("Expected a size to be an integer but found 0.5."),
  );
  assert.throws(
    () => canonicalDim(-1),
    new RangeError("Expected a size of at least 0 but found -1."),
  );
});

Deno.test("sizes multiply, add and subtract as polynomials", () => {
  assert.equal(productDim(["T", 2, "S"]), "2*S*T");
  assert.equal(productDim([]), 1);
  assert.equal(productDim(["P+1", "S"]), "P*S+S");
  assert.equal(sumDim(["P", "T", "T"]), "P+2*T");
  assert.equal(differenceDim("P+T", "P"), "T");
  assert.equal(differenceDim("T", 1), "T-1");
});

Deno.test("broadcastDims() treats a symbol as a size other than one", () => {
  assert.deepEqual(broadcastDims(["S", 1], [4]), ["S", 4]);
  assert.deepEqual(broadcastDims([1], ["S"]), ["S"]);
  assert.equal(broadcastDims(["S"], ["T"]), undefined);
  assert.equal(broadcastDims(["S"], [2]), undefined);
});
