import { AUDIT_RULES, type AuditCode, isTestRow, ROW_CHECKS, ROW_CODES } from "./audit_checks.ts";
import type { TokenizedRow } from "./tokenize.ts";

/** Rows named in a remark. */
const MOST_ROWS = 5;

/**
 * What an audit would refuse in a training set by itself, a sentence each, for those who train without a
 * recipe: rows of a test split, identical or empty replies, empty prompts, missing end tokens.
 */
export function auditRemarks(rows: readonly TokenizedRow[]): string[] {
  const checks: [AuditCode, (row: TokenizedRow) => boolean][] = [
    ["trained-on-test", ({ id }) => isTestRow(id)],
    ...ROW_CODES.map((code): [AuditCode, (row: TokenizedRow) => boolean] => [
      code,
      ROW_CHECKS[code],
    ]),
  ];
  return checks.filter(([code]) => AUDIT_RULES[code].severity === "error").flatMap(
    ([code, isCase]) => {
      const found = rows.filter(isCase);
      if (found.length === 0) return [];
      const more = found.length > MOST_ROWS ? `, … ${found.length - MOST_ROWS} more` : "";
      const named = found.slice(0, MOST_ROWS).map(({ id }) => id).join(", ");
      return [
        `${found.length} of ${rows.length} pairs ${
          AUDIT_RULES[code].describe
        } (${named}${more}). ` +
        "A recipe's audit would refuse them.",
      ];
    },
  );
}
