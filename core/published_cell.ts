/** One number that a paper prints in a table. */
export interface PublishedCell {
  /** The table's number in the paper: `2`. */
  readonly table: string;
  readonly row: string;
  readonly column: string;
  readonly value: number;
  /** Digits after the point, as printed. */
  readonly digits: number;
  /** What the file says of it; null for nothing. No verdict rests on it. */
  readonly note: string | null;
}
