import assert from "node:assert/strict";
import fc from "fast-check";
import { digestFile, digestJson, sha256, StreamingDigest } from "../../core/digest.ts";
import { canonicalJson, withKnownJson } from "../../core/json.ts";

Deno.test("canonicalJson() does not depend on the order in which keys were set", () => {
  assert.equal(
    canonicalJson({ b: 1, a: { d: [2, null], c: "x" } }),
    '{"a":{"c":"x","d":[2,null]},"b":1}',
  );
});

Deno.test("canonicalJson() orders keys by code unit, not by locale", () => {
  assert.equal(
    canonicalJson({ "é": 1, z: 2, Z: 3, "10": 4, "9": 5 }),
    '{"10":4,"9":5,"Z":3,"z":2,"é":1}',
  );
});

Deno.test("canonicalJson() is read back as the same value", () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => {
    // JSON itself writes -0 as 0.
    assert.deepEqual(JSON.parse(canonicalJson(value)), JSON.parse(JSON.stringify(value)));
  }));
});

Deno.test("canonicalJson() names what JSON cannot carry", () => {
  assert.throws(() => canonicalJson({ a: [1, NaN] }), {
    name: "TypeError",
    message: "Expected $.a[1] to be a finite number but found NaN.",
  });
  assert.throws(() => canonicalJson({ big: 1n }), {
    name: "TypeError",
    message: "Expected $.big to be a JSON value but found a bigint.",
  });
});

Deno.test("sha256() equals the published digest of abc", () => {
  const expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  assert.equal(sha256("abc"), expected);
  assert.equal(new StreamingDigest().update("a").update("bc").hex(), expected);
});

Deno.test("digestJson() is equal for equal values", () => {
  assert.equal(digestJson({ a: 1, b: 2 }), digestJson({ b: 2, a: 1 }));
  assert.notEqual(digestJson({ a: 1 }), digestJson({ a: "1" }));
});

Deno.test("digestFile() reads files larger than its block", async () => {
  const path = await Deno.makeTempFile();
  try {
    const bytes = new Uint8Array((1 << 20) + 17).fill(7);
    await Deno.writeFile(path, bytes);
    assert.deepEqual(await digestFile(path), { sha256: sha256(bytes), size: bytes.length });
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("withKnownJson() gives an object the same text alone and inside of others", () => {
  const plain = { b: [1, { a: null }], a: "x" };
  const known = withKnownJson(structuredClone(plain));
  assert.equal(canonicalJson(known), canonicalJson(plain));
  assert.equal(canonicalJson({ z: known, y: [known] }), canonicalJson({ z: plain, y: [plain] }));
});
