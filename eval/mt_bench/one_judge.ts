import { InputError, nearest } from "../../core/problem.ts";

/**
 * The judgments of one judge: of the one that is named, or of the only one.
 *
 * @param options.path the file, for messages
 * @throws InputError when the named judge has none, or none is named and there are several
 */
export function ofOneJudge<Row extends { readonly judge: readonly string[] }>(
  rows: readonly Row[],
  { judge, path }: { readonly judge?: string; readonly path: string },
): Row[] {
  const nameOf = (row: Row) => row.judge[0] ?? "";
  const judges = [...new Set(rows.map(nameOf))].sort();
  if (judge === undefined && judges.length > 1) {
    const message = `Expected one judge, or --judge to name it, but found ${judges.join(", ")}.`;
    throw new InputError([{ path, message }]);
  }
  if (judge !== undefined && !judges.includes(judge)) {
    const message = `Expected a judge of ${path} (${judges.join(", ")}) but found "${judge}".`;
    throw new InputError([{ path: "--judge", message, nearest: nearest(judge, judges) }]);
  }
  return rows.filter((row) => nameOf(row) === (judge ?? judges[0]));
}
