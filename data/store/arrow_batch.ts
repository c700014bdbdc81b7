import {
  Field,
  Int32,
  List,
  makeData,
  RecordBatch,
  RecordBatchStreamWriter,
  Schema,
  Struct,
  tableFromIPC,
  type Vector,
} from "apache-arrow";
import type { TokenizedPair } from "../pair.ts";

/** Token ids of some pairs, as Arrow sees them: three columns of lists of int32. */
export type TokenColumns = Pick<TokenizedPair, "prompt" | "chosen" | "rejected">;

const IDS = new List(new Field("item", new Int32(), false));

const SCHEMA = new Schema([
  new Field("prompt", IDS, false),
  new Field("chosen", IDS, false),
  new Field("rejected", IDS, true),
]);

/** Some pairs as one self-contained Arrow IPC stream: the schema and one record batch. */
export function encodeBatch(pairs: readonly TokenColumns[]): Uint8Array {
  const children = [
    listColumn(pairs.map((pair) => pair.prompt)),
    listColumn(pairs.map((pair) => pair.chosen)),
    listColumn(pairs.map((pair) => pair.rejected)),
  ];
  const data = makeData({ type: new Struct(SCHEMA.fields), length: pairs.length, children });
  const writer = new RecordBatchStreamWriter();
  writer.write(new RecordBatch(SCHEMA, data));
  writer.finish();
  return writer.toUint8Array(true);
}

/** The pairs of one Arrow IPC stream; their arrays are views of its buffers. */
export function decodeBatch(bytes: Uint8Array): TokenColumns[] {
  const table = tableFromIPC(bytes);
  const [prompts, chosen, rejected] = ["prompt", "chosen", "rejected"].map((name) =>
    lists(table.getChild(name) as Vector<List<Int32>>)
  );
  return prompts.map((prompt, i) => ({
    prompt: prompt as Int32Array,
    chosen: chosen[i] as Int32Array,
    rejected: rejected[i],
  }));
}

function listColumn(rows: readonly (Int32Array | null)[]) {
  const valueOffsets = new Int32Array(rows.length + 1);
  const nullBitmap = new Uint8Array(Math.ceil(rows.length / 8));
  let nullCount = 0;
  rows.forEach((row, i) => {
    valueOffsets[i + 1] = valueOffsets[i] + (row?.length ?? 0);
    if (row === null) nullCount++;
    else nullBitmap[i >> 3] |= 1 << (i & 7);
  });
  const ids = new Int32Array(valueOffsets[rows.length]);
  rows.forEach((row, i) => row !== null && ids.set(row, valueOffsets[i]));
  const child = makeData({ type: new Int32(), length: ids.length, nullCount: 0, data: ids });
  return makeData({ type: IDS, length: rows.length, nullCount, nullBitmap, valueOffsets, child });
}

function lists(column: Vector<List<Int32>>): (Int32Array | null)[] {
  return column.data.flatMap((data) => {
    const ids = data.children[0].values as Int32Array;
    const { length, nullCount, valueOffsets } = data;
    const rows: (Int32Array | null)[] = [];
    for (let i = 0; i < length; i++) {
      const isThere = nullCount === 0 || data.getValid(i);
      rows.push(isThere ? ids.subarray(valueOffsets[i], valueOffsets[i + 1]) : null);
    }
    return rows;
  });
}
