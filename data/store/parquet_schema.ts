/** Levels of a column in another that a file may have; tables of messages have five. */
export const MOST_LEVELS = 64;

/** Bytes of a header that is looked at; those of files with thousands of columns take a few million. */
const MOST_HEADER_BYTES = 64 << 20;

/** The file's last bytes: the header's length and a mark. */
const END_BYTES = 8;
const MARK = "PAR1";

/**
 * How many levels deep the columns of a Parquet file lie in one another, by its own account. DuckDB goes
 * down them by recursion, and takes the process with it where there are thousands.
 *
 * The header is a struct in Thrift's compact protocol, of which this reads the schema (field 2), a walk in
 * which each element says how many of the next are its children (field 5), and passes over the rest:
 * https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
 *
 * @returns 0 for a file that does not end as one of Parquet does
 * @throws RangeError when the header is larger than the file or `MOST_HEADER_BYTES`, or is none
 */
export async function schemaLevels(path: string): Promise<number> {
  using file = await Deno.open(path, { read: true });
  // Not file.stat(), which behind a link asks for the permission to read what it leads to.
  const { size } = await Deno.stat(path);
  if (size < END_BYTES) return 0;
  const end = await readAt(file, size - END_BYTES, END_BYTES);
  if (new TextDecoder().decode(end.subarray(4)) !== MARK) return 0;
  const length = new DataView(end.buffer).getUint32(0, true);
  const most = Math.min(size - END_BYTES, MOST_HEADER_BYTES);
  if (length > most) throw new RangeError(`a header of ${length} bytes instead of at most ${most}`);
  const reader = new ThriftReader(await readAt(file, size - END_BYTES - length, length));
  let levels = 0;
  reader.struct((field, type) => {
    if (field !== 2 || type !== TYPES.list) return reader.skip(type);
    const walk: number[] = []; // children that are still to come, of each element that is open
    reader.list(() => {
      while (walk.at(-1) === 0) walk.pop();
      if (walk.length > 0) walk[walk.length - 1]--;
      let children = 0;
      reader.struct((field, type) => {
        if (field === 5 && type === TYPES.i32) children = reader.integer();
        else reader.skip(type);
      });
      levels = Math.max(levels, walk.length);
      if (children > 0) walk.push(children);
    });
  });
  return levels;
}

async function readAt(file: Deno.FsFile, offset: number, length: number) {
  const bytes = new Uint8Array(length);
  await file.seek(offset, Deno.SeekMode.Start);
  for (let at = 0; at < length;) {
    const count = await file.read(bytes.subarray(at));
    if (count === null) throw new RangeError("a file that was cut while it was read");
    at += count;
  }
  return bytes;
}

const TYPES = {
  ...{ true: 1, false: 2, byte: 3, i16: 4, i32: 5, i64: 6 },
  ...{ double: 7, binary: 8, list: 9, set: 10, map: 11, struct: 12 },
} as const;

/** Reads Thrift's compact protocol; what it passes over may be 64 levels deep. */
class ThriftReader {
  #at = 0;
  #depth = 0;

  constructor(private readonly bytes: Uint8Array) {}

  /** Calls `read` for each field, which must read its value. */
  struct(read: (field: number, type: number) => void): void {
    this.#nest(() => {
      for (let field = 0;;) {
        const head = this.#byte();
        if (head === 0) return;
        field = head >> 4 === 0 ? this.integer() : field + (head >> 4);
        read(field, head & 15);
      }
    });
  }

  /** Calls `read` for each item, which must read it. */
  list(read: (type: number) => void): void {
    this.#nest(() => {
      const head = this.#byte();
      const length = head >> 4 === 15 ? this.#varint() : head >> 4;
      for (let i = 0; i < length; i++) read(head & 15);
    });
  }

  /** A number that is written in zigzag. */
  integer(): number {
    const value = this.#varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  /** Passes over the value of a field. */
  skip(type: number): void {
    if (type === TYPES.true || type === TYPES.false) return;
    this.#skipItem(type);
  }

  /** In lists and maps a boolean takes a byte. */
  #skipItem(type: number): void {
    if (type <= TYPES.byte) this.#pass(1);
    else if (type <= TYPES.i64) this.#varint();
    else if (type === TYPES.double) this.#pass(8);
    else if (type === TYPES.binary) this.#pass(this.#varint());
    else if (type === TYPES.list || type === TYPES.set) this.list((item) => this.#skipItem(item));
    else if (type === TYPES.map) this.#skipMap();
    else if (type === TYPES.struct) this.struct((_, inner) => this.skip(inner));
    else throw new RangeError("a header with a value of no known type");
  }

  #skipMap(): void {
    const length = this.#varint();
    if (length === 0) return;
    const types = this.#byte();
    this.#nest(() => {
      for (let i = 0; i < length; i++) {
        this.#skipItem(types >> 4);
        this.#skipItem(types & 15);
      }
    });
  }

  #nest(read: () => void): void {
    if (++this.#depth > MOST_LEVELS) throw new RangeError("a header of values in values");
    read();
    this.#depth--;
  }

  #varint(): number {
    let value = 0;
    for (let scale = 1; scale < 2 ** 70; scale *= 128) {
      const byte = this.#byte();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
    throw new RangeError("a header with a number without end");
  }

  #byte(): number {
    this.#pass(1);
    return this.bytes[this.#at - 1];
  }

  #pass(count: number): void {
    this.#at += count;
    if (this.#at > this.bytes.length) throw new RangeError("a header that ends too early");
  }
}
