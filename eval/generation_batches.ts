/** As many rows of one prompt length are a batch of their own. */
const OWN_BATCH = 16;

/** What decides which rows are decoded together. */
export interface BatchRules<Row> {
  /** Tokens of a row's prompt. */
  readonly lengthOf: (row: Row) => number;
  readonly maxNewTokens: number;
  readonly mostRows: number;
  /** Rows times the positions that the longest of them may come to; a single row may exceed it. */
  readonly mostPositions: number;
}

/**
 * Cuts rows into batches to be decoded together, shortest prompts first.
 *
 * - A prompt length that 16 rows or more share is decoded by itself: nothing of it waits for another.
 * - All other rows, in order of length, go together. A gap of more than `maxNewTokens` between one
 *   length and the next parts them: reading that gap token by token would take more steps than
 *   decoding the longer rows apart.
 * - No batch has more rows than `mostRows`, nor could its caches come to more than `mostPositions`.
 *
 * @returns every row once
 */
export function generationBatches<Row>(rows: readonly Row[], rules: BatchRules<Row>): Row[][] {
  const { lengthOf } = rules;
  const sorted = [...rows].sort((a, b) => lengthOf(a) - lengthOf(b));
  const groups = Object.values(Object.groupBy(sorted, (row) => lengthOf(row))) as Row[][];
  const own = groups.filter((group) => group.length >= OWN_BATCH);
  const others = groups.filter((group) => group.length < OWN_BATCH).flat();
  return [...own, others]
    .flatMap((list) => cut(list, rules))
    .sort(([a], [b]) => lengthOf(a) - lengthOf(b));
}

/** Cuts rows in order of length wherever the next one does not fit. */
function cut<Row>(rows: readonly Row[], rules: BatchRules<Row>): Row[][] {
  const { lengthOf, maxNewTokens, mostRows, mostPositions } = rules;
  const batches: Row[][] = [];
  for (const row of rows) {
    const batch = batches.at(-1);
    const fits = batch !== undefined && batch.length < mostRows &&
      (batch.length + 1) * (lengthOf(row) + maxNewTokens) <= mostPositions &&
      lengthOf(row) - lengthOf(batch.at(-1)!) <= maxNewTokens;
    if (fits) batch.push(row);
    else batches.push([row]);
  }
  return batches;
}
