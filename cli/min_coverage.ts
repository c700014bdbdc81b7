import { ExpectedError } from "../core/problem.ts";
import { visibleText } from "../core/visible_text.ts";

/**
 * Refuses judgments of which too few can be read.
 *
 * @param least share of all, from 0 to 1; undefined for any
 * @throws ExpectedError with the counts
 */
export function requireShare(
  { read, of, what, path }: {
    readonly read: number;
    readonly of: number;
    /** What is counted, such as `turns judged in both orders`. */
    readonly what: string;
    readonly path: string;
  },
  least: number | undefined,
): void {
  if (least === undefined || read >= least * of) return;
  const percent = (share: number) => `${(100 * share).toFixed(1)}%`;
  throw new ExpectedError(
    `${path}: Expected at least ${percent(least)} of the ${visibleText(what)} to be readable ` +
      `(--min-coverage) but found ${percent(read / of)}: ${read} of ${of}.`,
  );
}
