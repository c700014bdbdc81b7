/** A tensor to be written, its elements encoded already. */
export interface WrittenTensor {
  readonly name: string;
  /** Row-major, the slowest first. */
  readonly dims: readonly number[];
  /** ggml's number of the element type; 0 is F32. */
  readonly type: number;
  readonly bytes: Uint8Array;
  /** Written instead of where the elements lie. */
  readonly offset?: number;
}

/** Metadata as JSON: texts, whole numbers (uint32), others (float32), truth values, lists of one kind. */
export type Metadata = readonly (readonly [string, unknown])[];

const ALIGNMENT = 32;

/** A GGUF file of version 3, laid out as llama.cpp's writers do. */
export function ggufFile(metadata: Metadata, tensors: readonly WrittenTensor[] = []): Uint8Array {
  const header = new Writer();
  header.bytes(new TextEncoder().encode("GGUF"));
  header.uint32(3);
  header.uint64(tensors.length);
  header.uint64(metadata.length);
  for (const [key, value] of metadata) {
    header.text(key);
    header.value(value);
  }
  let end = 0;
  for (const { name, dims, type, bytes, offset } of tensors) {
    header.text(name);
    header.uint32(dims.length);
    for (const dim of dims.toReversed()) header.uint64(dim);
    header.uint32(type);
    header.uint64(offset ?? end);
    end += padded(bytes.length);
  }
  header.bytes(new Uint8Array(padded(header.length) - header.length));
  for (const { bytes } of tensors) {
    header.bytes(bytes);
    header.bytes(new Uint8Array(padded(bytes.length) - bytes.length));
  }
  return header.content();
}

/** float32 elements as bytes. */
export function asF32(data: Float32Array): Pick<WrittenTensor, "type" | "bytes"> {
  return { type: 0, bytes: new Uint8Array(data.slice().buffer) };
}

function padded(length: number): number {
  return Math.ceil(length / ALIGNMENT) * ALIGNMENT;
}

class Writer {
  readonly #parts: Uint8Array[] = [];
  length = 0;

  bytes(part: Uint8Array): void {
    this.#parts.push(part);
    this.length += part.length;
  }

  uint32(value: number): void {
    this.bytes(new Uint8Array(Uint32Array.of(value).buffer));
  }

  uint64(value: number): void {
    this.bytes(new Uint8Array(BigUint64Array.of(BigInt(value)).buffer));
  }

  text(value: string): void {
    const bytes = new TextEncoder().encode(value);
    this.uint64(bytes.length);
    this.bytes(bytes);
  }

  value(value: unknown): void {
    this.uint32(typeOf(value));
    this.#content(value);
  }

  content(): Uint8Array {
    const whole = new Uint8Array(this.length);
    let at = 0;
    for (const part of this.#parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }

  #content(value: unknown): void {
    if (typeof value === "string") this.text(value);
    else if (typeof value === "boolean") this.bytes(Uint8Array.of(Number(value)));
    else if (Array.isArray(value)) {
      this.uint32(value.length === 0 ? 8 : typeOf(value[0]));
      this.uint64(value.length);
      for (const element of value) this.#content(element);
    } else if (Number.isInteger(value)) this.uint32(Number(value));
    else this.bytes(new Uint8Array(Float32Array.of(Number(value)).buffer));
  }
}

function typeOf(value: unknown): number {
  if (typeof value === "string") return 8;
  if (typeof value === "boolean") return 7;
  if (Array.isArray(value)) return 9;
  return Number.isInteger(value) ? 4 : 6;
}
