/** What bounds the rows that are decoded at once. */
export interface AdmissionRules<Row> {
  /** Tokens of a row's prompt. */
  readonly lengthOf: (row: Row) => number;
  readonly maxNewTokens: number;
  readonly mostRows: number;
  /** Rows times the positions that each has room for; a single row may exceed it. */
  readonly mostPositions: number;
}

/** Rows that begin together, and the room that all rows under way then need. */
export interface BegunRows<Row> {
  /** With prompts of one length. */
  readonly rows: readonly Row[];
  readonly room: { readonly rows: number; readonly positions: number };
}

/** While less than this part of the places is free nobody begins: prompts read together read faster. */
const REFILLED_PART = 1 / 8;

/**
 * Positions that a row of so many tokens is given: up to a quarter more, so that rows that come to
 * slightly more tokens than those before them need not have all the others moved.
 */
export function positionsFor(tokens: number): number {
  const unit = 2 ** Math.max(0, Math.floor(Math.log2(tokens)) - 2);
  return Math.ceil(tokens / unit) * unit;
}

/** As many rows as may be decoded at once, one at the least. */
export function placesFor(
  positions: number,
  { mostRows, mostPositions }: Pick<AdmissionRules<unknown>, "mostRows" | "mostPositions">,
): number {
  return Math.min(mostRows, Math.max(1, Math.floor(mostPositions / positions)));
}

/** Lets waiting rows take the places of finished ones, those with the shortest prompts first. */
export class RowAdmission<Row> {
  readonly #waiting: readonly Row[];
  readonly #rules: AdmissionRules<Row>;
  #begun = 0;
  /** Positions that each row under way has room for. */
  #positions = 0;

  constructor(rows: readonly Row[], rules: AdmissionRules<Row>) {
    this.#waiting = rows.toSorted((a, b) => rules.lengthOf(a) - rules.lengthOf(b));
    this.#rules = rules;
  }

  /** The rows that begin now, beside so many under way; null when none does. */
  next(underWay: number): BegunRows<Row> | null {
    const waiting = this.#waiting.length - this.#begun;
    if (waiting === 0) return null;
    const { lengthOf, maxNewTokens } = this.#rules;
    const length = lengthOf(this.#waiting[this.#begun]);
    const needed = positionsFor(length + maxNewTokens);
    const positions = underWay === 0 ? needed : Math.max(this.#positions, needed);
    const places = placesFor(positions, this.#rules);
    const free = places - underWay;
    const fewest = underWay === 0 ? 1 : Math.max(1, Math.floor(REFILLED_PART * places));
    if (free < fewest) return null;
    const next = this.#waiting.slice(this.#begun, this.#begun + free);
    const rows = next.filter((row) => lengthOf(row) === length);
    this.#begun += rows.length;
    this.#positions = positions;
    return { rows, room: { rows: Math.min(places, underWay + waiting), positions } };
  }
}
