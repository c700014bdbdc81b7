import assert from "node:assert/strict";
import { InputError } from "../../../core/problem.ts";
import { float32 } from "../../../core/tensor.ts";
import { readSafetensors, writeSafetensors } from "../../../train/models/safetensors.ts";

/** A file of a header and as many element bytes as asked. */
function file(header: unknown, bytes: number | Uint8Array = 0): Uint8Array {
  const json = new TextEncoder().encode(
    typeof header === "string" ? header : JSON.stringify(header),
  );
  const data = typeof bytes === "number" ? new Uint8Array(bytes) : bytes;
  const whole = new Uint8Array(8 + json.length + data.length);
  new DataView(whole.buffer).setBigUint64(0, BigInt(json.length), true);
  whole.set(json, 8);
  whole.set(data, 8 + json.length);
  return whole;
}

/** What readSafetensors() gives of these bytes in a file. */
async function decode(bytes: Uint8Array) {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeFile(`${folder}/m.safetensors`, bytes);
    return await readSafetensors(`${folder}/m.safetensors`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function problemsOf(bytes: Uint8Array): Promise<string[]> {
  try {
    await decode(bytes);
  } catch (error) {
    assert(error instanceof InputError, `${error}`);
    return error.problems.map(({ path, message }) => `${path.replace(/^.*\//, "")}: ${message}`);
  }
  return [];
}

const entry = (dtype: string, shape: unknown, offsets: unknown) => ({
  dtype,
  shape,
  data_offsets: offsets,
});

Deno.test("writeSafetensors() and readSafetensors() round-trip values, shapes and metadata", async () => {
  const path = await Deno.makeTempFile();
  const tensors = new Map([
    ["b", float32([2, 2], Float32Array.of(1, -0, NaN, Infinity))],
    ["a", float32([], Float32Array.of(3))],
    ["empty", float32([0, 4], new Float32Array())],
  ]);
  await writeSafetensors(path, tensors, { metadata: { run: "x" } });
  const { tensors: read, metadata } = await readSafetensors(path);
  assert.deepEqual([...read.keys()].sort(), ["a", "b", "empty"]);
  assert.deepEqual(read.get("b"), tensors.get("b"));
  assert.deepEqual(read.get("empty")!.dims, [0, 4]);
  assert.deepEqual(metadata, { format: "pt", run: "x" });
  await Deno.remove(path);
});

Deno.test("writeSafetensors() writes equal bytes whatever the order of insertion, and says their digest", async () => {
  const path = await Deno.makeTempFile();
  const a = ["a", float32([1], Float32Array.of(1))] as const;
  const b = ["b", float32([1], Float32Array.of(2))] as const;
  const first = await writeSafetensors(path, new Map([a, b]));
  const bytes = await Deno.readFile(path);
  const second = await writeSafetensors(path, new Map([b, a]));
  assert.deepEqual(await Deno.readFile(path), bytes);
  assert.deepEqual(second, first);
  assert.equal(first.size, bytes.length);
  await Deno.remove(path);
});

Deno.test("readSafetensors() widens F16 exactly, subnormals and infinities included", async () => {
  const bits = Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x03ff, 0x7bff, 0x7c00, 0x8000, 0x3555);
  const bytes = file({ x: entry("F16", [8], [0, 16]) }, new Uint8Array(bits.buffer));
  const { data } = (await decode(bytes)).tensors.get("x")!;
  const third = (1 + 0x155 / 1024) / 4;
  assert.deepEqual(
    [...data],
    [1, -2, 2 ** -24, 1023 * 2 ** -24, 65504, Infinity, -0, third],
  );
});

Deno.test("readSafetensors() widens BF16 as the upper half of a float32", async () => {
  const bits = Uint16Array.of(0x3f80, 0xc040, 0x7f80);
  const bytes = file({ x: entry("BF16", [3], [0, 6]) }, new Uint8Array(bits.buffer));
  assert.deepEqual([...(await decode(bytes)).tensors.get("x")!.data], [1, -3, Infinity]);
});

Deno.test("readSafetensors() reads F32 behind a header of any length", async () => {
  const values = new Uint8Array(Float32Array.of(1.5, -2).buffer);
  for (const padding of ["", " ", "  ", "   "]) {
    const header = JSON.stringify({ x: entry("F32", [2], [0, 8]) }) + padding;
    const { data } = (await decode(file(header, values))).tensors.get("x")!;
    assert.deepEqual([...data], [1.5, -2]);
  }
});

Deno.test("readSafetensors() refuses headers that are cut off, oversized or no JSON object", async () => {
  assert.deepEqual(await problemsOf(new Uint8Array(3)), [
    "m.safetensors: Expected a safetensors file of at least 8 bytes but found 3.",
  ]);
  const huge = new Uint8Array(16);
  new DataView(huge.buffer).setBigUint64(0, 1n << 60n, true);
  assert.deepEqual(await problemsOf(huge), [
    "m.safetensors: Expected a header of at most 8 bytes but found 1152921504606846976.",
  ]);
  assert.match(
    (await problemsOf(file("{")))[0],
    /^m.safetensors: Expected a JSON header but found /,
  );
  assert.deepEqual(await problemsOf(file("[]")), [
    "m.safetensors: Expected the header to be a JSON object of tensors.",
  ]);
});

Deno.test("readSafetensors() names every tensor whose entry does not fit", async () => {
  const bytes = file({
    dtype: entry("I8", [1], [0, 1]),
    inherited: entry("toString", [1], [0, 1]),
    shape: entry("F32", [1.5], [0, 4]),
    offsets: entry("F32", [1], [4]),
    range: entry("F32", [4], [0, 16]),
    size: entry("F32", [3], [0, 8]),
  }, 8);
  assert.deepEqual(await problemsOf(bytes), [
    'm.safetensors: dtype: Expected dtype to be one of F32, F16, BF16 but found "I8".',
    'm.safetensors: inherited: Expected dtype to be one of F32, F16, BF16 but found "toString".',
    "m.safetensors: shape: Expected shape to be a list of sizes but found [1.5].",
    "m.safetensors: offsets: Expected data_offsets to be [begin, end] but found [4].",
    "m.safetensors: range: Expected data_offsets within [0, 8] but found [0, 16].",
    "m.safetensors: size: Expected 12 bytes for F32 [3] but found 8.",
  ]);
});

Deno.test("readSafetensors() names 20 tensors that do not fit and counts the others", async () => {
  const names = Array.from({ length: 1000 }, (_, i) => `t${i}`);
  const bytes = file(Object.fromEntries(names.map((name) => [name, entry("I8", [1], [0, 1])])));
  const problems = await problemsOf(bytes);
  assert.equal(problems.length, 21);
  assert.equal(problems[20], "…: 980 more problems.");
});

Deno.test("readSafetensors() refuses overlaps, holes and bytes of no tensor", async () => {
  assert.deepEqual(
    await problemsOf(file({ a: entry("F32", [2], [0, 8]), b: entry("F32", [2], [4, 12]) }, 12)),
    [
      "m.safetensors: b: Expected data_offsets to begin at 8, after a, but found 4: the two overlap.",
    ],
  );
  assert.deepEqual(
    await problemsOf(file({ a: entry("F32", [1], [0, 4]), b: entry("F32", [1], [8, 12]) }, 12)),
    [
      "m.safetensors: b: Expected data_offsets to begin at 4, after a, but found 8: the bytes between belong to no tensor.",
    ],
  );
  assert.deepEqual(await problemsOf(file({ a: entry("F32", [1], [0, 4]) }, 6)), [
    "m.safetensors: Expected 4 bytes of elements but found 6.",
  ]);
});

Deno.test("readSafetensors() takes tensors larger than it reads at once, of every type", async () => {
  const count = 3_000_001;
  for (const [dtype, width] of [["F32", 4], ["F16", 2], ["BF16", 2]] as const) {
    const bytes = new Uint8Array(count * width);
    // 1.0 everywhere, but 2.0 at the end and where a piece of 4 MiB begins.
    const ones = { F32: [0, 0, 0x80, 0x3f], F16: [0, 0x3c], BF16: [0x80, 0x3f] }[dtype];
    const twos = { F32: [0, 0, 0, 0x40], F16: [0, 0x40], BF16: [0, 0x40] }[dtype];
    for (let i = 0; i < count; i++) bytes.set(ones, i * width);
    const marked = [count - 1, (1 << 22) / width];
    for (const i of marked) bytes.set(twos, i * width);
    const { tensors } = await decode(file({ x: entry(dtype, [count], [0, bytes.length]) }, bytes));
    const { data } = tensors.get("x")!;
    assert.deepEqual(marked.map((i) => data[i]), [2, 2], dtype);
    assert.equal(data.reduce((sum, value) => sum + value, 0), count + 2, dtype);
  }
});

Deno.test("readSafetensors() refuses a key that stands twice, in the header or in an entry", async () => {
  const x = JSON.stringify(entry("F32", [1], [0, 4]));
  const twice =
    `{"x": ${x}, "y.\\"z": {"dtype": "F32", "shape": [1], "shape": [2]}, "\\u0078": ${x}}`;
  assert.deepEqual(await problemsOf(file(twice, 4)), [
    'm.safetensors: y."z.shape: The key appears twice in the header.',
    "m.safetensors: x: The key appears twice in the header.",
  ]);
});

Deno.test("readSafetensors() takes names of prototypes for names", async () => {
  const header = '{"__proto__": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}, ' +
    '"constructor": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}';
  const { tensors } = await decode(file(header, 8));
  assert.deepEqual([...tensors.keys()], ["__proto__", "constructor"]);
  const inherited = '{"x": {"__proto__": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}}';
  assert.deepEqual(await problemsOf(file(inherited, 4)), [
    "m.safetensors: x: Expected dtype to be one of F32, F16, BF16 but found undefined.",
  ]);
});

Deno.test("readSafetensors() refuses entries, shapes and offsets of other kinds", async () => {
  const bytes = file({
    none: null,
    list: [1],
    text: "F32",
    shape: entry("F32", { length: 1, 0: 1 }, [0, 4]),
    negativeShape: entry("F32", [-1, -1], [0, 4]),
    huge: entry("F32", [2 ** 52, 2 ** 52], [0, 4]),
    negative: entry("F32", [1], [-4, 0]),
    reversed: entry("F32", [1], [4, 0]),
    unsafe: entry("F32", [1], [0, 2 ** 60]),
  }, 8);
  const entries = "Expected {dtype, shape, data_offsets} but found";
  assert.deepEqual(await problemsOf(bytes), [
    `m.safetensors: none: ${entries} null.`,
    `m.safetensors: list: ${entries} [1].`,
    `m.safetensors: text: ${entries} "F32".`,
    'm.safetensors: shape: Expected shape to be a list of sizes but found {"0":1,"length":1}.',
    "m.safetensors: negativeShape: Expected shape to be a list of sizes but found [-1,-1].",
    "m.safetensors: huge: Expected 8.112963841460668e+31 bytes for F32 [4503599627370496, 4503599627370496] but found 4.",
    "m.safetensors: negative: Expected data_offsets to be [begin, end] but found [-4,0].",
    "m.safetensors: reversed: Expected data_offsets within [0, 8] but found [4, 0].",
    "m.safetensors: unsafe: Expected data_offsets to be [begin, end] but found [0,1152921504606847000].",
  ]);
});

Deno.test("readSafetensors() refuses a header that is not UTF-8", async () => {
  const bytes = file('{"?": 1}');
  bytes[10] = 0xff;
  assert.match(
    (await problemsOf(bytes))[0],
    /^m.safetensors: Expected a JSON header but found .*not valid/,
  );
});
