import type { RowProblem } from "./conversation.ts";

/** A row of any file: its columns, or what is wrong with it. */
export type SourceRow =
  & {
    /** From 1: the line of a text file, the row of a table. */
    readonly number: number;
  }
  & (
    | {
      readonly row: Readonly<Record<string, unknown>>;
      /** Names of all columns of a table of which the row holds those of a pair. */
      readonly columns?: readonly string[];
    }
    | { readonly problem: RowProblem }
  );

/** A row too large to be a pair of texts; `bytes` is its size. */
export function tooLarge(bytes: number, most: number): RowProblem {
  const megabytes = (size: number) => `${(size / 2 ** 20).toFixed(1)} MiB`;
  return { message: `Expected at most ${megabytes(most)} a row but found ${megabytes(bytes)}.` };
}
