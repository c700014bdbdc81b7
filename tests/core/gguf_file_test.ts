import assert from "node:assert/strict";
import { gguf } from "@huggingface/gguf";
import { readGgufHeader } from "../../core/gguf_file.ts";
import { InputError } from "../../core/problem.ts";
import { asF32, ggufFile, type Metadata } from "../train/models/gguf_writer.ts";

const METADATA: Metadata = [
  ["general.architecture", "llama"],
  ["llama.block_count", 2],
  ["llama.rope.freq_base", 0.5],
  ["flag", true],
  ["tokens", ["a", "Ġb", "日本"]],
  ["nested", [["x"], ["y", "z"]]],
  ["empty", []],
];
const TENSORS = [
  { name: "a", dims: [2, 3], ...asF32(new Float32Array(6)) },
  { name: "b", dims: [5], ...asF32(new Float32Array(5)) },
];

async function withFile<T>(bytes: Uint8Array, use: (path: string) => Promise<T>): Promise<T> {
  const path = await Deno.makeTempFile({ suffix: ".gguf" });
  try {
    await Deno.writeFile(path, bytes);
    return await use(path);
  } finally {
    await Deno.remove(path);
  }
}

/** What is wrong with a file, without the path in front. */
function problemsOf(bytes: Uint8Array): Promise<string[]> {
  return withFile(bytes, async (path) => {
    try {
      await readGgufHeader(path);
      return [];
    } catch (error) {
      assert(error instanceof InputError, `${error}`);
      return error.problems.map((problem) =>
        `${problem.path.slice(path.length)}: ${problem.message}`
      );
    }
  });
}

Deno.test("readGgufHeader() reads metadata of every kind and tensors in row-major order", async () => {
  await withFile(ggufFile(METADATA, TENSORS), async (path) => {
    const header = await readGgufHeader(path);
    assert.deepEqual([...header.metadata], METADATA);
    assert.deepEqual(header.tensors, [
      { name: "a", dims: [2, 3], type: 0, offset: 0 },
      { name: "b", dims: [5], type: 0, offset: 32 },
    ]);
    assert.equal(header.dataOffset + 64, header.size);
  });
});

Deno.test("readGgufHeader() agrees with @huggingface/gguf", async () => {
  await withFile(ggufFile(METADATA, TENSORS), async (path) => {
    const ours = await readGgufHeader(path);
    const theirs = await gguf(path, { allowLocalFile: true });
    const { version: _v, tensor_count: _t, kv_count: _k, ...metadata } = theirs.metadata;
    assert.deepEqual(Object.fromEntries(ours.metadata), metadata);
    assert.equal(BigInt(ours.dataOffset), theirs.tensorDataOffset);
    assert.deepEqual(
      ours.tensors,
      theirs.tensorInfos.map(({ name, shape, dtype, offset }) => ({
        name,
        dims: shape.map(Number).reverse(),
        type: dtype,
        offset: Number(offset),
      })),
    );
  });
});

Deno.test("readGgufHeader() reads lists and texts of any size whole", async () => {
  const long = "é".repeat(1_500_000);
  const tokens = Array.from({ length: 200_000 }, (_, i) => `token ${i}`);
  await withFile(ggufFile([["long", long], ["tokens", tokens], ["end", "."]]), async (path) => {
    const { metadata } = await readGgufHeader(path);
    assert.deepEqual([...metadata.values()], [long, tokens, "."]);
  });
});

Deno.test("readGgufHeader() refuses a file that ends anywhere before its header does", async () => {
  const whole = ggufFile(METADATA, TENSORS);
  const header = await withFile(whole, readGgufHeader);
  const last = header.dataOffset - 32;
  for (let length = 0; length < last; length += 3) {
    const problems = await problemsOf(whole.subarray(0, length));
    assert.equal(problems.length, 1, `${length} bytes`);
    assert.match(problems[0], /Expected \d+ \w+ but found only \d+ bytes of the file left\.$/);
  }
});

Deno.test("readGgufHeader() refuses other files, versions and byte orders", async () => {
  assert.deepEqual(await problemsOf(new TextEncoder().encode('{"a": 1}')), [
    ': Expected a GGUF file, which begins with "GGUF", but found "{\\"a\\"".',
  ]);
  const version = async (...bytes: number[]) => {
    const file = ggufFile(METADATA);
    file.set(bytes, 4);
    return await problemsOf(file);
  };
  assert.deepEqual(await version(1, 0, 0, 0), [": Expected GGUF version 2 or 3 but found 1."]);
  assert.match((await version(0, 0, 0, 3))[0], /found 50331648 \(perhaps a file for big-endian/);
});

Deno.test("readGgufHeader() makes no list, text or table that the file is too short for", async () => {
  const huge = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f, 0];
  const at = async (place: number, bytes: number[], of = ggufFile(METADATA, TENSORS)) => {
    of.set(bytes, place);
    return (await problemsOf(of))[0];
  };
  assert.match(await at(8, huge), /^: tensors: Expected 4503599627370495 tensors but found only/);
  assert.match(await at(16, huge), /^: metadata: Expected 4503599627370495 entries but found only/);
  assert.match(await at(24, huge), /Expected 4503599627370495 bytes but found only/);
  assert.match(
    await at(24, Array(8).fill(255)),
    /Expected no more bytes than the file can hold but found 18446744073/,
  );
  // "a" is the first key (8 + 1 bytes), then its type, the elements' type, their number.
  const list = ggufFile([["a", ["x"]]]);
  assert.match(await at(24 + 9 + 4 + 4, huge, list), /^: a: Expected 4503599627370495 elements/);
});

Deno.test("readGgufHeader() refuses keys and tensors that appear twice, and takes any name", async () => {
  assert.deepEqual(await problemsOf(ggufFile([["a", 1], ["a", 2]])), [
    ": a: The key appears twice.",
  ]);
  assert.deepEqual(await problemsOf(ggufFile([], [...TENSORS, ...TENSORS])), [
    ": a: The tensor appears twice.",
    ": b: The tensor appears twice.",
  ]);
  await withFile(ggufFile([["__proto__", [1]], ["constructor", 2]]), async (path) => {
    const { metadata } = await readGgufHeader(path);
    assert.deepEqual([...metadata], [["__proto__", [1]], ["constructor", 2]]);
  });
});

Deno.test("readGgufHeader() refuses shapes, types and alignments that the format does not have", async () => {
  const tensor = (dims: number[]) =>
    ggufFile([], [{ name: "t", dims, ...asF32(new Float32Array(1)) }]);
  assert.deepEqual(await problemsOf(tensor([])), [": t: Expected 1 to 4 dimensions but found 0."]);
  assert.deepEqual(await problemsOf(tensor([1, 1, 1, 1, 1])), [
    ": t: Expected 1 to 4 dimensions but found 5.",
  ]);
  assert.deepEqual(await problemsOf(tensor([3, 0])), [
    ": t: Expected sizes greater than 0 but found [3, 0].",
  ]);
  assert.deepEqual(await problemsOf(ggufFile([["general.alignment", 0]])), [
    ": general.alignment: Expected a multiple of 8 but found 0.",
  ]);
  const unknown = ggufFile([["a", 1]]);
  unknown[24 + 9] = 13;
  assert.deepEqual(await problemsOf(unknown), [
    ": a: Expected a known type of value but found 13.",
  ]);
  const deep = ggufFile([["a", [[[[["x"]]]]]]]);
  assert.deepEqual(await problemsOf(deep), [": a: Expected at most 4 lists in each other."]);
  const badText = ggufFile([["a", "é"]]);
  badText[24 + 9 + 4 + 8] = 0xff;
  assert.deepEqual(await problemsOf(badText), [
    ": a: Expected text in UTF-8 but found other bytes.",
  ]);
});

/** A whole header, then zeros up to a size: they take no room on the disk. */
function problemsBefore(zeros: number, begin: readonly (Uint8Array | number)[]): Promise<string[]> {
  return withFile(begun(begin), async (path) => {
    await Deno.truncate(path, zeros);
    return await readGgufHeader(path).then(() => [], (error) => {
      assert(error instanceof InputError, `${error}`);
      return error.problems.map((one) => `${one.path.slice(path.length)}: ${one.message}`);
    });
  });
}

/** Bytes as they are, and numbers as 64 bits. */
function begun(parts: readonly (Uint8Array | number)[]): Uint8Array {
  return Uint8Array.from(
    parts.flatMap((part) =>
      typeof part === "number"
        ? [...new Uint8Array(BigUint64Array.of(BigInt(part)).buffer)]
        : [...part]
    ),
  );
}

const START = Uint8Array.from([...new TextEncoder().encode("GGUF"), 3, 0, 0, 0]);
const type = (number: number) => Uint8Array.of(number, 0, 0, 0);
const key = (text: string) => begun([text.length, new TextEncoder().encode(text)]);
const [UINT8, TEXT, LIST] = [type(0), type(8), type(9)];

Deno.test("readGgufHeader() reads no more of anything than models need, however large the file", async () => {
  const large = 2 ** 32;
  const cases: [begin: (Uint8Array | number)[], problem: string][] = [
    [[START, 0, 70_000], ": metadata: Expected at most 65536 entries but found 70000."],
    [[START, 70_000, 0], ": tensors: Expected at most 65536 tensors but found 70000."],
    [
      [START, 0, 1, 70_000],
      ": entry 1 of the metadata: Expected at most 65535 bytes of text but found 70000.",
    ],
    [[START, 1, 0, 70_000], ": tensor 1: Expected at most 65535 bytes of text but found 70000."],
    [
      [START, 0, 1, key("a"), TEXT, 2 ** 24 + 1],
      ": a: Expected at most 16777216 bytes of text but found 16777217.",
    ],
    [
      [START, 0, 1, key("a"), LIST, UINT8, 2 ** 24 + 1],
      ": a: Expected at most 16777216 elements of lists but found 16777217.",
    ],
    [
      [START, 0, 2, key("a"), LIST, UINT8, 8, 0, key("b"), LIST, UINT8, 2 ** 24 - 7],
      ": b: Expected at most 16777216 elements of lists but found 16777217.",
    ],
    [
      [START, 0, 1, key("a"), LIST, LIST, 2, UINT8, 2 ** 24, UINT8, 1],
      ": a: Expected at most 16777216 elements of lists but found 16777218.",
    ],
    [
      [START, 0, 1, key("a"), LIST, type(13), 2 ** 20],
      ": a: Expected a known type of value but found 13.",
    ],
  ];
  for (const [begin, problem] of cases) {
    assert.deepEqual(await problemsBefore(large, begin), [problem]);
  }
});

Deno.test("readGgufHeader() counts lists of lists by the bytes that each takes at least", async () => {
  const begin = [START, 0, 1, key("a"), LIST, LIST, 2];
  const size = begun(begin).length + 23;
  assert.deepEqual(await problemsBefore(size, begin), [
    ": a: Expected 2 elements but found only 23 bytes of the file left.",
  ]);
});

Deno.test("readGgufHeader() refuses a header of many texts, each of a size that is allowed", async () => {
  const path = await Deno.makeTempFile({ suffix: ".gguf" });
  try {
    using file = await Deno.open(path, { write: true });
    await file.write(begun([START, 0, 9]));
    for (let i = 0; i < 9; i++) {
      await file.write(begun([key(`${i}`), TEXT, 2 ** 24]));
      await file.seek(2 ** 24, Deno.SeekMode.Current);
    }
    await file.truncate(2 ** 28);
    await assert.rejects(readGgufHeader(path), {
      name: "InputError",
      message: /gguf: 7: Expected at most 134217728 bytes of header but found 134\d+\.$/,
    });
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("readGgufHeader() names 20 tensors that appear twice, and counts the others", async () => {
  const tensors = Array.from({ length: 60 }, (_, i) => ({ ...TENSORS[1], name: `t${i % 30}` }));
  const problems = await problemsOf(ggufFile([], tensors));
  assert.equal(problems.length, 21);
  assert.match(problems[20], /: 10 more problems\.$/);
});
