import type { PublishedCell } from "../../core/published_cell.ts";
import type { Origin } from "../table.ts";

/** Whether a printed number is met again; `not comparable` where nothing here can tell. */
export type CellVerdict = "within" | "outside" | "not comparable";

/** A printed number beside what was computed anew. */
export interface ReconciledRow extends Omit<PublishedCell, "value"> {
  readonly published: number;
  /** Null where no file supports the number. */
  readonly reproduced: number | null;
  /** What was judged and stands behind it; null where that is not known. */
  readonly n: number | null;
  /**
   * 95% interval of what was computed anew; where it is not comparable, what the number may be as far as
   * the files tell. Null where nothing supports one.
   */
  readonly interval: readonly [number, number] | null;
  /** What counts as the printed number: half a unit of its last digit to each side. */
  readonly band: readonly [number, number];
  readonly verdict: CellVerdict;
  /** Sentences: what the number here rests on, and what stands in the way. */
  readonly why: string;
  /** What gave the number; null where none did. */
  readonly origin: Origin | null;
}

/** What a finding is about. */
export type FindingKind =
  | "swapped columns"
  | "another value"
  | "missing judgments"
  | "truncated outputs"
  | "another setting";

/** Something that a reader of the printed tables should know, found by holding them to the files. */
export interface Finding {
  readonly kind: FindingKind;
  /** The printed table. */
  readonly table: string;
  readonly sentence: string;
}

/** Every printed number with its verdict, and what was found on the way. */
export interface Reconciliation {
  /** In the order in which the numbers were given. */
  readonly rows: readonly ReconciledRow[];
  /** Each once, in the order of `FindingKind`. */
  readonly findings: readonly Finding[];
}

/** A setting that a table of the paper prints, as the released configurations have it. */
export interface ReleasedSetting {
  readonly table: string;
  /** As printed. */
  readonly column: string;
  readonly value: number;
  /** Where it stands, for a sentence. */
  readonly from: string;
}

/** The values that a printed number may stand for. */
export function printedBand(
  { value, digits }: Pick<PublishedCell, "value" | "digits">,
): [number, number] {
  const half = 10 ** -digits / 2;
  // Without the sums' own last bits, so that a band reads as it is meant: [5.0875, 5.0885].
  return [value - half, value + half].map((end) => Number(end.toFixed(digits + 1))) as [
    number,
    number,
  ];
}

/** Whether a number lies in a band, its ends included, up to the last bits of sums. */
export function isWithin(number: number, [low, high]: readonly [number, number]): boolean {
  const slack = 1e-9 * Math.max(1, Math.abs(number));
  return number >= low - slack && number <= high + slack;
}
