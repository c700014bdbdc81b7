const encoder = new TextEncoder();

/**
 * A Protocol Buffers message under construction. Byte fields are referenced, not copied, until
 * `bytes()` writes everything once into one array.
 * (https://protobuf.dev/programming-guides/encoding/)
 */
export class Message {
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  /** A field of type int64, int32 or enum. */
  integer(field: number, value: number | bigint): this {
    return this.#tag(field, 0).#push(varint(value));
  }

  /** A field of type float. */
  float(field: number, value: number): this {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    return this.#tag(field, 5).#push(bytes);
  }

  /** A field of type string. */
  string(field: number, value: string): this {
    return this.raw(field, encoder.encode(value));
  }

  /** A field of type bytes; the array must not change until the message is written. */
  raw(field: number, value: Uint8Array): this {
    return this.#tag(field, 2).#push(varint(value.length)).#push(value);
  }

  /** A field that is a message. */
  message(field: number, value: Message): this {
    this.#tag(field, 2).#push(varint(value.#length));
    for (const part of value.#parts) this.#push(part);
    return this;
  }

  /** The message in wire format. */
  bytes(): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(this.#length);
    let offset = 0;
    for (const part of this.#parts) {
      bytes.set(part, offset);
      offset += part.length;
    }
    return bytes;
  }

  #tag(field: number, wireType: number): this {
    return this.#push(varint(field * 8 + wireType));
  }

  #push(part: Uint8Array): this {
    this.#parts.push(part);
    this.#length += part.length;
    return this;
  }
}

function varint(value: number | bigint): Uint8Array {
  const bytes: number[] = [];
  if (typeof value === "bigint" || value < 0) {
    let rest = BigInt.asUintN(64, BigInt(value));
    for (; rest >= 128n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
    bytes.push(Number(rest));
  } else {
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push(rest % 128 | 128);
    bytes.push(rest);
  }
  return Uint8Array.from(bytes);
}
