import { InputError, type Problem, refuseProblems } from "./problem.ts";

/** A value of GGUF metadata; 64-bit integers that are not safe in a number stay bigint. */
export type GgufValue = number | bigint | boolean | string | readonly GgufValue[];

/** A tensor as a GGUF header describes it; whether it fits the file is not checked yet. */
export interface GgufTensor {
  /** llama.cpp's name, such as `blk.0.attn_q.weight`. */
  readonly name: string;
  /** Row-major, the slowest first: the file holds them the other way around. */
  readonly dims: readonly number[];
  /** ggml's number of the element type. */
  readonly type: number;
  /** Bytes from `dataOffset`. */
  readonly offset: number;
}

/** All that a GGUF file says before its tensors' elements. */
export interface GgufHeader {
  readonly path: string;
  /** Bytes of the file. */
  readonly size: number;
  readonly metadata: ReadonlyMap<string, GgufValue>;
  /** In the file's order. */
  readonly tensors: readonly GgufTensor[];
  /** Where the elements begin. */
  readonly dataOffset: number;
  /** Bytes of which every tensor's place is a multiple. */
  readonly alignment: number;
}

/**
 * Reads the header of a GGUF file, version 2 or 3
 * (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md). No list or string is made that the rest
 * of the file could not hold, or that no model needs (`MOST`): a file may be large, and memory is not.
 *
 * `@huggingface/gguf` 0.4.6 reads local files, too, but takes what lies past the end of a file for
 * zeros, cuts the last string of a list where it crosses a multiple of 2 MB, and lets the later of two
 * equal keys win, all without a word. So it serves tests as a second opinion.
 *
 * @throws InputError when the file is of another kind, ends too early, repeats a name, or has more of
 * something than any model needs
 */
export async function readGgufHeader(path: string): Promise<GgufHeader> {
  using file = await Deno.open(path, { read: true });
  // Not file.stat(), which behind a link asks for the permission to read what it leads to.
  const { size } = await Deno.stat(path);
  const reader = new HeaderReader(file, size, path);
  const { tensorCount, metadataCount } = readPreamble(reader);
  const metadata = new Map<string, GgufValue>();
  reader.where = "metadata";
  reader.requireRoom(metadataCount, LEAST_ENTRY, "entries");
  reader.requireAtMost(metadataCount, MOST.entries, "entries");
  for (let i = 0; i < metadataCount; i++) {
    reader.where = `entry ${i + 1} of the metadata`;
    const key = reader.text(MOST.nameBytes);
    reader.where = key;
    if (metadata.has(key)) throw reader.failure("The key appears twice.");
    metadata.set(key, reader.value(reader.uint32()));
  }
  reader.where = "tensors";
  reader.requireRoom(tensorCount, LEAST_TENSOR, "tensors");
  reader.requireAtMost(tensorCount, MOST.tensors, "tensors");
  const tensors = Array.from({ length: tensorCount }, (_, i) => readTensor(reader, i));
  requireDistinct(tensors, path);
  const alignment = readAlignment(metadata, path);
  const dataOffset = Math.ceil(reader.position / alignment) * alignment;
  return { path, size, metadata, tensors, dataOffset, alignment };
}

/** Bytes of the shortest entry (an empty key, a type, one byte) and of the shortest tensor's. */
const LEAST_ENTRY = 13;
const LEAST_TENSOR = 24;
const MAGIC = "GGUF";
/** Many times what files in use have: some hundred entries and a vocabulary of 300,000 tokens. */
const MOST = {
  entries: 1 << 16,
  tensors: 1 << 16,
  /** Of a key, as the format has it, or a tensor's name. */
  nameBytes: (1 << 16) - 1,
  /** Of one text, such as a chat template. */
  textBytes: 1 << 24,
  /** Of all lists together. */
  elements: 1 << 24,
  /** Of all that comes before the tensors' elements. */
  headerBytes: 1 << 27,
} as const;
/** As ggml has it. */
const MOST_DIMS = 4;
/** Lists within lists within lists are not in use; deeper ones are an attack on the stack. */
const MOST_NESTED = 4;
const BLOCK = 1 << 20;

function readPreamble(reader: HeaderReader) {
  const magic = new TextDecoder("latin1").decode(reader.bytes(4));
  if (magic !== MAGIC) {
    throw reader.failure(
      `Expected a GGUF file, which begins with "${MAGIC}", but found ${JSON.stringify(magic)}.`,
    );
  }
  const version = reader.uint32();
  if (version !== 2 && version !== 3) {
    const swapped = (version & 0xffff) === 0 ? " (perhaps a file for big-endian machines)" : "";
    throw reader.failure(`Expected GGUF version 2 or 3 but found ${version}${swapped}.`);
  }
  return { tensorCount: reader.size("tensors"), metadataCount: reader.size("entries") };
}

function readTensor(reader: HeaderReader, index: number): GgufTensor {
  reader.where = `tensor ${index + 1}`;
  const name = reader.text(MOST.nameBytes);
  reader.where = name;
  const rank = reader.uint32();
  if (rank < 1 || rank > MOST_DIMS) {
    throw reader.failure(`Expected 1 to ${MOST_DIMS} dimensions but found ${rank}.`);
  }
  const dims = Array.from({ length: rank }, () => reader.size("elements")).reverse();
  if (dims.includes(0)) {
    throw reader.failure(`Expected sizes greater than 0 but found [${dims.join(", ")}].`);
  }
  return { name, dims, type: reader.uint32(), offset: reader.size("bytes") };
}

function requireDistinct(tensors: readonly GgufTensor[], path: string): void {
  const seen = new Set<string>();
  const problems: Problem[] = [];
  for (const { name } of tensors) {
    if (seen.has(name)) {
      problems.push({ path: `${path}: ${name}`, message: "The tensor appears twice." });
    }
    seen.add(name);
  }
  refuseProblems(problems);
}

function readAlignment(metadata: ReadonlyMap<string, GgufValue>, path: string): number {
  const value = metadata.get("general.alignment") ?? 32;
  if (typeof value === "number" && Number.isInteger(value) && value > 0 && value % 8 === 0) {
    return value;
  }
  const message = `Expected a multiple of 8 but found ${value}.`;
  throw new InputError([{ path: `${path}: general.alignment`, message }]);
}

/** How many bytes each scalar takes, and how it is read, by GGUF's number of its type. */
const SCALARS: ReadonlyMap<number, readonly [number, (view: DataView) => GgufValue]> = new Map([
  [0, [1, (view: DataView) => view.getUint8(0)]],
  [1, [1, (view: DataView) => view.getInt8(0)]],
  [2, [2, (view: DataView) => view.getUint16(0, true)]],
  [3, [2, (view: DataView) => view.getInt16(0, true)]],
  [4, [4, (view: DataView) => view.getUint32(0, true)]],
  [5, [4, (view: DataView) => view.getInt32(0, true)]],
  [6, [4, (view: DataView) => view.getFloat32(0, true)]],
  [7, [1, (view: DataView) => view.getUint8(0) !== 0]],
  [10, [8, (view: DataView) => narrow(view.getBigUint64(0, true))]],
  [11, [8, (view: DataView) => narrow(view.getBigInt64(0, true))]],
  [12, [8, (view: DataView) => view.getFloat64(0, true)]],
]);
const STRING = 8;
const LIST = 9;
/** Bytes of the shortest text (its length) and of the shortest list (a type, a number of elements). */
const LEAST_BYTES: Readonly<Record<number, number>> = { [STRING]: 8, [LIST]: 12 };

function narrow(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** Reads a file from its start, holding no more of it than one value needs. */
class HeaderReader {
  /** What is being read, for messages. */
  where = "";
  #block = new Uint8Array(BLOCK);
  /** The part of `#block` that is filled and not read yet. */
  #begin = 0;
  #end = 0;
  /** Bytes of the file that have been read into `#block`. */
  #loaded = 0;
  /** Of the lists so far. */
  #elements = 0;
  readonly #decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

  constructor(readonly file: Deno.FsFile, readonly fileSize: number, readonly path: string) {}

  /** Bytes before the next one. */
  get position(): number {
    return this.#loaded - (this.#end - this.#begin);
  }

  failure(message: string): InputError {
    const path = this.where === "" ? this.path : `${this.path}: ${this.where}`;
    return new InputError([{ path, message }]);
  }

  /** Refuses a count of things that the rest of the file is too short for. */
  requireRoom(count: number, least: number, things: string): void {
    const left = this.fileSize - this.position;
    if (count * least <= left) return;
    throw this.failure(
      `Expected ${count} ${things} but found only ${left} bytes of the file left.`,
    );
  }

  /** Refuses more of something than any model needs. */
  requireAtMost(count: number, most: number, things: string): void {
    if (count > most) throw this.failure(`Expected at most ${most} ${things} but found ${count}.`);
  }

  /** The next bytes; valid until more are read. */
  bytes(count: number): Uint8Array {
    this.requireRoom(count, 1, "bytes");
    this.requireAtMost(this.position + count, MOST.headerBytes, "bytes of header");
    if (this.#end - this.#begin < count) this.#load(count);
    return this.#block.subarray(this.#begin, this.#begin += count);
  }

  uint32(): number {
    return this.#view(4).getUint32(0, true);
  }

  /** A 64-bit count. */
  size(things: string): number {
    const value = this.#view(8).getBigUint64(0, true);
    const count = Number(value);
    if (Number.isSafeInteger(count)) return count;
    throw this.failure(`Expected no more ${things} than the file can hold but found ${value}.`);
  }

  text(most: number = MOST.textBytes): string {
    const length = this.size("bytes");
    this.requireRoom(length, 1, "bytes");
    this.requireAtMost(length, most, "bytes of text");
    const bytes = this.bytes(length);
    try {
      return this.#decoder.decode(bytes);
    } catch {
      throw this.failure("Expected text in UTF-8 but found other bytes.");
    }
  }

  /** A metadata value of a type. */
  value(type: number, depth = 0): GgufValue {
    if (type === STRING) return this.text();
    if (type === LIST) return this.#list(depth + 1);
    const scalar = SCALARS.get(type);
    if (scalar === undefined) throw this.#unknownType(type);
    return scalar[1](this.#view(scalar[0]));
  }

  #list(depth: number): GgufValue[] {
    if (depth > MOST_NESTED) {
      throw this.failure(`Expected at most ${MOST_NESTED} lists in each other.`);
    }
    const type = this.uint32();
    const count = this.size("elements");
    const least = LEAST_BYTES[type] ?? SCALARS.get(type)?.[0];
    if (least === undefined) throw this.#unknownType(type);
    this.requireRoom(count, least, "elements");
    this.requireAtMost(this.#elements += count, MOST.elements, "elements of lists");
    const values: GgufValue[] = [];
    for (let i = 0; i < count; i++) values.push(this.value(type, depth));
    return values;
  }

  #unknownType(type: number): InputError {
    return this.failure(`Expected a known type of value but found ${type}.`);
  }

  #view(count: number): DataView {
    const bytes = this.bytes(count);
    return new DataView(bytes.buffer, bytes.byteOffset, count);
  }

  #load(count: number): void {
    const kept = this.#block.subarray(this.#begin, this.#end);
    const block = count > this.#block.length ? new Uint8Array(count + BLOCK) : this.#block;
    block.set(kept);
    [this.#block, this.#begin, this.#end] = [block, 0, kept.length];
    while (this.#end < count) {
      const read = this.file.readSync(this.#block.subarray(this.#end));
      if (read === null) throw this.failure("The file became shorter while it was read.");
      this.#end += read;
      this.#loaded += read;
    }
  }
}
