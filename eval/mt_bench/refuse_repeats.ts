import { refuseProblems } from "../../core/problem.ts";

/**
 * Refuses turns that were judged more than once under a seed, as a file has them that was appended to
 * itself.
 *
 * @param options.path the file, for messages
 * @param options.whose names the model whose turn it is, where a file has several
 * @throws InputError with every repeated turn
 */
export function refuseRepeats<
  Row extends { question_id: number | string; turn: number; seed?: unknown },
>(
  rows: readonly Row[],
  { path, whose = () => "" }: { readonly path: string; readonly whose?: (row: Row) => string },
): void {
  const seen = new Set<string>();
  refuseProblems(rows.flatMap((row) => {
    const key = JSON.stringify([row.question_id, row.turn, row.seed, whose(row)]);
    const first = !seen.has(key);
    seen.add(key);
    if (first) return [];
    const of = whose(row) === "" ? "" : ` of ${whose(row)}`;
    const message = `Expected question ${row.question_id}, turn ${row.turn},${of} once but found ` +
      "it again.";
    return [{ path, message }];
  }));
}
