/** Parquet files of some hundred bytes that claim to hold very much, and what is to be said of each. */
import { groupElement, parquetBytes, textElement } from "../sources/parquet_bytes.ts";

/** The largest number that a length in a header may be. */
const LARGEST = 2 ** 31 - 1;

/** Columns that lie in one another, beside the two others of a pair. */
function nested(levels: number) {
  const groups = Array.from({ length: levels - 1 }, () => groupElement("prompt", 1));
  return [...groups, ...["prompt", "chosen", "rejected"].map(textElement)];
}

/** A text whose length is written as another. */
function page(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(5);
  new DataView(bytes.buffer).setUint32(0, length, true);
  return bytes;
}

/** Each by what it is. */
export const CLAIMS: Readonly<
  Record<string, { readonly content: Uint8Array<ArrayBuffer>; readonly expected: RegExp }>
> = {
  "2⁵⁰ rows": {
    content: parquetBytes({ rows: 1n << 50n }),
    expected: /^claims\.parquet:1: .*Out of buffer/,
  },
  "fewer rows than none": {
    content: parquetBytes({ rows: -5n }),
    expected: /^claims\.parquet:1: .*negative number of rows/,
  },
  "a page of 2 GiB": {
    content: parquetBytes({ codec: 1, pageBytes: LARGEST }),
    expected: /^claims\.parquet:1: .*Out of Range/,
  },
  "a page of 1 GiB": {
    content: parquetBytes({ codec: 2, pageBytes: 2 ** 30 - 1 }),
    expected: /^claims\.parquet:1: .*failed to allocate data of size 1\.0 GiB .*\/1\.0 GiB used/,
  },
  "a text of 2 GiB": {
    content: parquetBytes({ page: page(LARGEST) }),
    expected: /^claims\.parquet:1: .*Out of buffer/,
  },
  "2³¹ columns": {
    content: parquetBytes({ rootChildren: LARGEST }),
    expected: /^claims\.parquet:1: .*invalid schema index/,
  },
  "2³¹ elements of its schema": {
    content: parquetBytes({ schemaLength: LARGEST }),
    expected: /^claims\.parquet:1: .* a header that ends too early$/,
  },
  "a header of 4 GiB": {
    content: parquetBytes({ footerBytes: 2 ** 32 - 1 }),
    expected: /^claims\.parquet:1: .* a header of 4294967295 bytes instead of at most \d+$/,
  },
  "the end of a header for all of it": {
    content: parquetBytes({ footerBytes: 5 }),
    expected: /^claims\.parquet:1: .* a header with a value of no known type$/,
  },
  "65 levels of columns": {
    content: parquetBytes({ schema: nested(65) }),
    expected: /^claims\.parquet: Expected columns at most 64 levels deep but found 65\.$/,
  },
  "100,000 levels of columns": {
    content: parquetBytes({ schema: nested(100_000) }),
    expected: /^claims\.parquet: Expected columns at most 64 levels deep but found 100000\.$/,
  },
  "values in values that nobody knows, 100,000 deep": {
    content: parquetBytes({ unknown: { nested: 100_000 } }),
    expected: /^claims\.parquet:1: .* a header of values in values$/,
  },
  "the same in the header of a page": {
    content: parquetBytes({ unknownInPage: { nested: 10_000 } }),
    expected: /^claims\.parquet:1: .*TProtocolException/,
  },
};
