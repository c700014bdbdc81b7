import {
  type Data,
  Field,
  Int32,
  List,
  makeData,
  RecordBatch,
  RecordBatchReader,
  RecordBatchStreamWriter,
  Schema,
  Struct,
  Uint16,
  Utf8,
} from "apache-arrow";
import type { TokenIds, TokenizedPair } from "../pair.ts";

const PARTS = ["prompt", "chosen", "rejected"] as const;

/** Turns pairs into Arrow IPC streams. */
export interface BatchEncoder {
  /**
   * Some pairs as one self-contained stream: the schema and one record batch with columns `id` (utf8),
   * `prompt`, `chosen` and `rejected` (lists of token ids; `rejected` may be null).
   *
   * @throws RangeError for a token id outside the vocabulary
   */
  (pairs: readonly TokenizedPair[]): Uint8Array;
}

/** @param vocabSize where two bytes hold each of its ids, they are uint16, else int32 */
export function batchEncoder(vocabSize: number): BatchEncoder {
  const { ids, arrayOf } = vocabSize <= 1 << 16
    ? { ids: new Uint16(), arrayOf: (length: number) => new Uint16Array(length) }
    : { ids: new Int32(), arrayOf: (length: number) => new Int32Array(length) };
  const list = new List(new Field("item", ids, false));
  const schema = new Schema([
    new Field("id", new Utf8(), false),
    ...PARTS.map((name) => new Field(name, list, name === "rejected")),
  ]);

  const listColumn = (rows: readonly (TokenIds | null)[]) => {
    const valueOffsets = offsetsOf(rows);
    const data = arrayOf(valueOffsets[rows.length]);
    rows.forEach((row, i) => {
      requireKnown(row, vocabSize);
      if (row !== null) data.set(row, valueOffsets[i]);
    });
    const child = makeData({ type: ids, length: data.length, nullCount: 0, data });
    const length = rows.length;
    return makeData({ type: list, length, ...validity(rows), valueOffsets, child });
  };

  return (pairs) => {
    const children = [
      textColumn(pairs.map(({ id }) => id)),
      ...PARTS.map((name) => listColumn(pairs.map((pair) => pair[name]))),
    ];
    const data = makeData({ type: new Struct(schema.fields), length: pairs.length, children });
    const writer = new RecordBatchStreamWriter();
    writer.write(new RecordBatch(schema, data));
    writer.finish();
    return writer.toUint8Array(true);
  };
}

type Columns = readonly [Data<Utf8>, ...Data<List<Uint16 | Int32>>[]];

/** The pairs of one Arrow IPC stream; their arrays are views of its buffers. */
export function decodeBatch(bytes: Uint8Array): TokenizedPair[] {
  return [...RecordBatchReader.from(bytes)].flatMap(({ data: { children } }) => {
    const [ids, ...parts] = children as unknown as Columns;
    const [prompts, chosen, rejected] = parts.map(lists);
    return texts(ids).map((id, i) => ({
      id,
      prompt: prompts[i] as TokenIds,
      chosen: chosen[i] as TokenIds,
      rejected: rejected[i],
    }));
  });
}

function requireKnown(ids: TokenIds | null, vocabSize: number): void {
  const unknown = ids?.find((id) => id < 0 || id >= vocabSize);
  if (unknown === undefined) return;
  throw new RangeError(`Expected token ids below ${vocabSize} but found ${unknown}.`);
}

function offsetsOf(rows: readonly (ArrayLike<unknown> | null)[]): Int32Array {
  const offsets = new Int32Array(rows.length + 1);
  rows.forEach((row, i) => offsets[i + 1] = offsets[i] + (row?.length ?? 0));
  return offsets;
}

function validity(rows: readonly unknown[]) {
  const nullBitmap = new Uint8Array(Math.ceil(rows.length / 8));
  rows.forEach((row, i) => {
    if (row !== null) nullBitmap[i >> 3] |= 1 << (i & 7);
  });
  return { nullBitmap, nullCount: rows.filter((row) => row === null).length };
}

function textColumn(rows: readonly string[]) {
  const encoded = rows.map((row) => new TextEncoder().encode(row));
  const valueOffsets = offsetsOf(encoded);
  const data = new Uint8Array(valueOffsets[rows.length]);
  encoded.forEach((bytes, i) => data.set(bytes, valueOffsets[i]));
  return makeData({ type: new Utf8(), length: rows.length, nullCount: 0, valueOffsets, data });
}

function lists(column: Data<List<Uint16 | Int32>>): (TokenIds | null)[] {
  const ids = column.children[0].values as TokenIds;
  const { length, nullCount, valueOffsets } = column;
  return Array.from({ length }, (_, i) => {
    const isThere = nullCount === 0 || column.getValid(i);
    return isThere ? ids.subarray(valueOffsets[i], valueOffsets[i + 1]) : null;
  });
}

/** All texts are decoded at one go, which is ten times as fast as one by one, where each byte is a character. */
function texts({ length, valueOffsets, values }: Data<Utf8>): string[] {
  const decoder = new TextDecoder();
  const all = decoder.decode(values.subarray(0, valueOffsets[length]));
  const slice = all.length === valueOffsets[length]
    ? (from: number, to: number) => all.slice(from, to)
    : (from: number, to: number) => decoder.decode(values.subarray(from, to));
  return Array.from({ length }, (_, i) => slice(valueOffsets[i], valueOffsets[i + 1]));
}
