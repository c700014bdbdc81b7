import type { ScoreRow } from "../../core/score_table.ts";
import type { FoundScore } from "../paper/find_score.ts";

/** How the authors' leaderboard names a model whose outputs were cut short. */
const TRUNCATED = /_tr$/;

/**
 * Says that a number is of outputs that were cut short, and what the same table has for the model's
 * outputs as they came: rows of the same name without `_tr`, or with `_re` for outputs generated again.
 *
 * @returns null where the number's row is no such one, or stands alone
 */
export function describeTruncated({ table, row }: FoundScore): string | null {
  if (table.id !== "leaderboard" || !TRUNCATED.test(row.id)) return null;
  const stem = row.id.replace(TRUNCATED, "");
  const whole = table.rows.filter(({ id }) => id === stem || id === `${stem}_re`);
  if (whole.length === 0) return null;
  return `These are truncated outputs (${described(row)}); untruncated, the leaderboard has ` +
    `${whole.map((each) => `${described(each)}: ${rates(each)}`).join("; ")}.`;
}

function described({ id, values }: ScoreRow): string {
  const length = values.publishedLength?.value;
  return length === undefined ? id : `${id}, ${length} characters on average`;
}

function rates({ values }: ScoreRow): string {
  const shown = (value: number | undefined) => value === undefined ? "unknown" : value.toFixed(2);
  const n = values.discreteWinRate?.n;
  return `LC ${shown(values.publishedLc?.value)}, win rate ${
    shown(values.publishedWinRate?.value)
  }` + (n === undefined || n === null ? "" : `, n = ${n}`);
}
