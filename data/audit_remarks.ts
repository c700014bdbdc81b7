import {
  AUDIT_RULES,
  isTestRow,
  nameRows,
  ROW_CHECKS,
  ROW_CODES,
  type RowCode,
} from "./audit_checks.ts";
import type { TokenizedRow } from "./tokenize.ts";

/** Rows named in a remark. */
const MOST_ROWS = 5;

/**
 * What an audit would refuse in a training set by itself, a sentence each, for those who train without a
 * recipe: rows of a test split, identical or empty replies, empty prompts, missing end tokens.
 */
export function auditRemarks(rows: readonly TokenizedRow[]): string[] {
  const isCase = (code: RowCode | "trained-on-test", row: TokenizedRow) =>
    code === "trained-on-test" ? isTestRow(row.id) : ROW_CHECKS[code](row);
  return (["trained-on-test", ...ROW_CODES] as const).flatMap((code) => {
    const { severity, describe } = AUDIT_RULES[code];
    if (severity !== "error") return [];
    const ids = rows.filter((row) => isCase(code, row)).map(({ id }) => id);
    if (ids.length === 0) return [];
    const named = nameRows(ids.slice(0, MOST_ROWS), ids.length);
    return [
      `${ids.length} of ${rows.length} pairs ${describe} (${named}). A recipe's audit would refuse them.`,
    ];
  });
}
