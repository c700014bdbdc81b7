import { canonicalJson } from "../../core/json.ts";
import { InputError, type Problem } from "../../core/problem.ts";
import { StreamingDigest } from "../../core/digest.ts";
import { elementCount, type Tensor } from "../../core/tensor.ts";
import { widenBfloat16, widenFloat16 } from "./half.ts";

/** Element types that weights are stored in, by the format's own names, with their bytes. */
const STORED = { F32: 4, F16: 2, BF16: 2 } as const;
type Stored = keyof typeof STORED;

interface Entry {
  readonly name: string;
  readonly dtype: Stored;
  readonly dims: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/** What a safetensors file holds: tensors by name, and its free text fields. */
export interface SafetensorsContent {
  readonly tensors: Map<string, Tensor<"float32">>;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Reads a safetensors file; F16 and BF16 are widened to float32 (exactly).
 *
 * @throws InputError that names every tensor whose entry does not fit the file
 */
export async function readSafetensors(path: string): Promise<SafetensorsContent> {
  return decodeSafetensors(await Deno.readFile(path), path);
}

/**
 * Decodes a safetensors file: 8 bytes of header length, a JSON header, the elements.
 * float32 tensors are views of `bytes` where they are aligned.
 *
 * @param path names the file in messages
 * @throws InputError that names every tensor whose entry does not fit the file
 */
export function decodeSafetensors(bytes: Uint8Array, path: string): SafetensorsContent {
  const { header, start } = parseHeader(bytes, path);
  const problems: Problem[] = [];
  const size = bytes.length - start;
  const entries = Object.entries(header).filter(([name]) => name !== "__metadata__")
    .flatMap(([name, value]) => parseEntry(name, value, { path, size, problems }));
  if (problems.length === 0) checkCover(entries, { path, size, problems });
  if (problems.length > 0) throw new InputError(problems);
  const tensors = new Map(entries.map((entry) => [entry.name, widen(entry, bytes, start)]));
  return { tensors, metadata: parseMetadata(header.__metadata__) };
}

function parseHeader(bytes: Uint8Array, path: string) {
  const fail = (message: string) => new InputError([{ path, message }]);
  if (bytes.length < 8) {
    throw fail(`Expected a safetensors file of at least 8 bytes but found ${bytes.length}.`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const length = view.getBigUint64(0, true);
  if (length > BigInt(bytes.length - 8)) {
    throw fail(`Expected a header of at most ${bytes.length - 8} bytes but found ${length}.`);
  }
  const start = 8 + Number(length);
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(8, start)));
  } catch (error) {
    throw fail(`Expected a JSON header but found ${(error as Error).message}.`);
  }
  if (header === null || typeof header !== "object" || Array.isArray(header)) {
    throw fail("Expected the header to be a JSON object of tensors.");
  }
  return { header: header as Record<string, unknown>, start };
}

interface Check {
  readonly path: string;
  /** Bytes of elements behind the header. */
  readonly size: number;
  readonly problems: Problem[];
}

function parseEntry(name: string, value: unknown, check: Check): Entry[] {
  const { dtype, shape, data_offsets: offsets } = (value ?? {}) as Record<string, unknown>;
  const report = (message: string) => {
    check.problems.push({ path: `${check.path}: ${name}`, message });
    return [];
  };
  if (typeof dtype !== "string" || !Object.hasOwn(STORED, dtype)) {
    const known = Object.keys(STORED).join(", ");
    return report(`Expected dtype to be one of ${known} but found ${JSON.stringify(dtype)}.`);
  }
  if (!isSizes(shape)) {
    return report(`Expected shape to be a list of sizes but found ${JSON.stringify(shape)}.`);
  }
  if (!isSizes(offsets) || offsets.length !== 2) {
    return report(`Expected data_offsets to be [begin, end] but found ${JSON.stringify(offsets)}.`);
  }
  const [begin, end] = offsets;
  if (begin > end || end > check.size) {
    return report(
      `Expected data_offsets within [0, ${check.size}] but found [${begin}, ${end}].`,
    );
  }
  const expected = elementCount(shape) * STORED[dtype as Stored];
  if (end - begin !== expected) {
    return report(
      `Expected ${expected} bytes for ${dtype} [${shape.join(", ")}] but found ${end - begin}.`,
    );
  }
  return [{ name, dtype: dtype as Stored, dims: shape, begin, end }];
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

/** The format allows neither overlap nor bytes that belong to no tensor. */
function checkCover(entries: readonly Entry[], check: Check): void {
  let covered = 0;
  let before = "the start";
  for (const { name, begin, end } of [...entries].sort((a, b) => a.begin - b.begin)) {
    if (begin !== covered) {
      const message = begin < covered
        ? `Expected data_offsets to begin at ${covered}, after ${before}, but found ${begin}: the two overlap.`
        : `Expected data_offsets to begin at ${covered}, after ${before}, but found ${begin}: the bytes between belong to no tensor.`;
      check.problems.push({ path: `${check.path}: ${name}`, message });
    }
    covered = Math.max(covered, end);
    before = name;
  }
  if (check.problems.length === 0 && covered !== check.size) {
    const message = `Expected ${covered} bytes of elements but found ${check.size}.`;
    check.problems.push({ path: check.path, message });
  }
}

function parseMetadata(value: unknown): Record<string, string> {
  if (value === null || typeof value !== "object") return {};
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] =>
      typeof entry[1] === "string"
    ),
  );
}

function widen(entry: Entry, bytes: Uint8Array, start: number): Tensor<"float32"> {
  const { dims, dtype } = entry;
  const raw = bytes.subarray(start + entry.begin, start + entry.end);
  const width = STORED[dtype];
  // A typed array must start on a multiple of its element; odd headers are legal but rare.
  const aligned = raw.byteOffset % width === 0 ? raw : raw.slice();
  const count = raw.length / width;
  if (dtype === "F32") {
    const data = new Float32Array(aligned.buffer, aligned.byteOffset, count);
    return { dtype: "float32", dims, data: data };
  }
  const bits = new Uint16Array(aligned.buffer, aligned.byteOffset, count);
  const data = dtype === "F16" ? widenFloat16(bits) : widenBfloat16(bits);
  return { dtype: "float32", dims, data };
}

/** What `writeSafetensors` wrote. */
export interface WrittenFile {
  readonly sha256: string;
  readonly size: number;
}

/**
 * Writes float32 tensors as a safetensors file, in code-unit order of their names: equal tensors give
 * equal bytes. The file is synced, not renamed: the caller gives a temporary name where that matters.
 */
export async function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, Tensor<"float32">>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<WrittenFile> {
  const names = [...tensors.keys()].sort();
  using file = await Deno.open(path, { write: true, create: true, truncate: true });
  const digest = new StreamingDigest();
  let size = 0;
  const write = async (bytes: Uint8Array) => {
    digest.update(bytes);
    size += bytes.length;
    for (let written = 0; written < bytes.length;) {
      written += await file.write(bytes.subarray(written));
    }
  };
  await write(encodeHeader(names, tensors, metadata));
  for (const name of names) {
    const { data } = tensors.get(name)!;
    await write(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  await file.sync();
  return { sha256: digest.hex(), size };
}

function encodeHeader(
  names: readonly string[],
  tensors: ReadonlyMap<string, Tensor<"float32">>,
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const entries: string[] = [];
  // transformers refuses a file whose metadata does not name the framework that laid it out.
  entries.push(`"__metadata__":${canonicalJson({ format: "pt", ...metadata })}`);
  let offset = 0;
  for (const name of names) {
    const { dims, data } = tensors.get(name)!;
    const entry = { data_offsets: [offset, offset + data.byteLength], dtype: "F32", shape: dims };
    entries.push(`${JSON.stringify(name)}:${canonicalJson(entry)}`);
    offset += data.byteLength;
  }
  const json = new TextEncoder().encode(`{${entries.join(",")}}`);
  const length = Math.ceil(json.length / 8) * 8;
  const header = new Uint8Array(8 + length).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(length), true);
  header.set(json, 8);
  return header;
}
