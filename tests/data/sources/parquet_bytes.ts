/** A value of Thrift's compact protocol, as the headers of Parquet files are written in. */
export type Thrift =
  | { readonly i32: number }
  | { readonly i64: bigint }
  | { readonly text: string }
  /** `claimed`: the length that is written, where it is another than the list's own. */
  | { readonly list: readonly Thrift[]; readonly claimed?: number }
  /** So many structs, each the only field of the one before. */
  | { readonly nested: number }
  /** Fields by their numbers, which ascend. */
  | { readonly struct: Readonly<Record<number, Thrift>> };

/** The bytes of a value. */
export function thriftBytes(value: Thrift): Uint8Array<ArrayBuffer> {
  const bytes: number[] = [];
  write(value, bytes);
  return Uint8Array.from(bytes);
}

function write(value: Thrift, bytes: number[]): void {
  if ("i32" in value) varint(zigzag(BigInt(value.i32)), bytes);
  else if ("i64" in value) varint(zigzag(value.i64), bytes);
  else if ("text" in value) {
    const text = new TextEncoder().encode(value.text);
    varint(BigInt(text.length), bytes);
    bytes.push(...text);
  } else if ("list" in value) {
    const { list, claimed = list.length } = value;
    bytes.push(0xf0 | (list.length === 0 ? 0xc : typeOf(list[0])));
    varint(BigInt(claimed), bytes);
    for (const item of list) write(item, bytes);
  } else if ("nested" in value) {
    for (let i = 1; i < value.nested; i++) bytes.push(1 << 4 | 12);
    for (let i = 0; i < value.nested; i++) bytes.push(0);
  } else {
    let last = 0;
    for (const [name, field] of Object.entries(value.struct)) {
      bytes.push((Number(name) - last) << 4 | typeOf(field));
      last = Number(name);
      write(field, bytes);
    }
    bytes.push(0);
  }
}

function typeOf(value: Thrift): number {
  if ("i32" in value) return 5;
  if ("i64" in value) return 6;
  if ("text" in value) return 8;
  return "list" in value ? 9 : 12;
}

function zigzag(value: bigint): bigint {
  return value >= 0n ? value << 1n : (-value << 1n) - 1n;
}

function varint(value: bigint, bytes: number[]): void {
  for (; value > 0x7fn; value >>= 7n) bytes.push(Number(value & 0x7fn) | 0x80);
  bytes.push(Number(value));
}

/** What a Parquet file of one row group with texts says of itself, and what it holds. */
export interface ParquetClaims {
  /** Elements of the schema below its root, by default a text for each of `columns`. */
  readonly schema?: readonly Thrift[];
  readonly schemaLength?: number;
  readonly rootChildren?: number;
  readonly rows?: bigint;
  /** Bytes that a page of a column takes when it is unpacked. */
  readonly pageBytes?: number;
  /** 0 for none, 1 for Snappy, 2 for gzip. */
  readonly codec?: number;
  /** A column's page as it is in the file. */
  readonly page?: Uint8Array<ArrayBuffer>;
  /** A field of the file's header, and of its pages', that nobody knows. */
  readonly unknown?: Thrift;
  readonly unknownInPage?: Thrift;
  /** Bytes of the header at the end of the file. */
  readonly footerBytes?: number;
}

const COLUMNS = ["prompt", "chosen", "rejected"];

/** An element of a schema: a text. */
export function textElement(name: string): Thrift {
  return struct({ 1: i32(6), 3: i32(0), 4: { text: name }, 6: i32(0) });
}

/** An element of a schema: a group of others. */
export function groupElement(name: string, children: number): Thrift {
  return struct({ 3: i32(1), 4: { text: name }, 5: i32(children) });
}

/** A file with one row, of texts `x`, that claims what it is told to claim. */
export function parquetBytes(claims: ParquetClaims = {}): Uint8Array<ArrayBuffer> {
  const { rows = 1n, codec = 0, page = Uint8Array.of(1, 0, 0, 0, 120) } = claims;
  const { pageBytes = page.length, schema = COLUMNS.map(textElement) } = claims;
  const header = thriftBytes(struct({
    1: i32(0),
    2: i32(pageBytes),
    3: i32(page.length),
    5: struct({
      1: i32(Number(rows > 1n << 30n ? 1n << 30n : rows)),
      2: i32(0),
      3: i32(3),
      4: i32(3),
    }),
    ...unknown(claims.unknownInPage),
  }));
  const column = Uint8Array.of(...header, ...page);
  const chunk = (name: string, i: number) => {
    const offset = i64(4n + BigInt(i * column.length));
    return struct({
      2: offset,
      3: struct({
        ...{ 1: i32(6), 2: { list: [i32(0)] }, 3: { list: [{ text: name }] }, 4: i32(codec) },
        ...{ 5: i64(rows), 6: i64(BigInt(pageBytes)), 7: i64(BigInt(column.length)), 9: offset },
      }),
    });
  };
  const root = struct({ 4: { text: "root" }, 5: i32(claims.rootChildren ?? COLUMNS.length) });
  const footer = thriftBytes(struct({
    1: i32(1),
    2: { list: [root, ...schema], claimed: claims.schemaLength },
    3: i64(rows),
    4: {
      list: [
        struct({ 1: { list: COLUMNS.map(chunk) }, 2: i64(BigInt(3 * pageBytes)), 3: i64(rows) }),
      ],
    },
    ...unknown(claims.unknown),
  }));
  const length = new DataView(new ArrayBuffer(4));
  length.setUint32(0, claims.footerBytes ?? footer.length, true);
  const magic = new TextEncoder().encode("PAR1");
  const parts = [magic, ...COLUMNS.map(() => column), footer, new Uint8Array(length.buffer), magic];
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

function unknown(field: Thrift | undefined): Record<number, Thrift> {
  return field === undefined ? {} : { 15: field };
}

function struct(fields: Readonly<Record<number, Thrift>>): Thrift {
  return { struct: fields };
}

function i32(value: number): Thrift {
  return { i32: value };
}

function i64(value: bigint): Thrift {
  return { i64: value };
}
