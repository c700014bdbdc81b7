import type { PublishedCell } from "../../core/published_cell.ts";
import {
  type CellPlace,
  findBounds,
  findScore,
  type FoundScore,
  judgedCount,
} from "../paper/find_score.ts";
import { paperTable } from "../paper/paper_tables.ts";
import type { ScoredTables } from "../score_tables.ts";
import { judgeLengthControl } from "./judge_length_control.ts";
import {
  type CellVerdict,
  type Finding,
  isWithin,
  printedBand,
  type ReconciledRow,
  type ReleasedSetting,
} from "./reconciliation.ts";
import { describeTruncated } from "./truncated_outputs.ts";

/** What printed numbers are held to. */
export interface Evidence {
  readonly scores: readonly ScoredTables[];
  readonly settings: readonly ReleasedSetting[];
  /** `printed`: to the printed digits; `interval`: the 95% interval of what was found may hold the number as well. */
  readonly tolerance: "printed" | "interval";
}

/** What is said of one cell, before it is held to its neighbours. */
export interface JudgedCell
  extends Pick<ReconciledRow, "reproduced" | "n" | "interval" | "verdict" | "origin"> {
  readonly sentences: readonly string[];
  readonly findings: readonly Finding[];
}

/** Holds one printed number to what the files give. */
export function judgeCell(cell: PublishedCell, evidence: Evidence): JudgedCell {
  const setting = evidence.settings.find(({ table, column }) =>
    table === cell.table && column === cell.column
  );
  if (setting !== undefined) return judgeSetting(cell, setting);
  const place = placeOf(cell);
  if (place === null) return unsupported("No number here is known to be what this cell prints.");
  const found = findScore(place, evidence.scores);
  if (found === null) return judgeMissing(cell, place, evidence.scores);
  const judged = judgeLengthControl(cell, found) ?? judgeFound(cell, found, evidence);
  const truncated = describeTruncated(found);
  if (truncated === null) return judged;
  const sentence = `${cell.row}: ${uncapitalised(truncated)}`;
  return {
    ...judged,
    sentences: [...judged.sentences, truncated],
    findings: [...judged.findings, { kind: "truncated outputs", table: cell.table, sentence }],
  };
}

/** Where a printed number stands in a table that is known; null for other tables. */
export function placeOf(cell: PublishedCell): CellPlace | null {
  const layout = paperTable(cell.table);
  const column = layout?.columns.find(({ id }) => id === cell.column);
  if (layout === null || column === undefined) return null;
  return { layout, row: cell.row, column };
}

function judgeFound(cell: PublishedCell, found: FoundScore, evidence: Evidence): JudgedCell {
  const { score: { value, ci95 }, origin } = found;
  const { tolerance } = evidence;
  const within = isWithin(value, printedBand(cell)) ||
    tolerance === "interval" && ci95 !== null && isWithin(cell.value, ci95);
  return {
    ...{ reproduced: value, interval: ci95, origin, n: judgedCount(found) },
    ...judgement(cell, value, { within, basis: basisOf(found) }),
  };
}

function judgeSetting(cell: PublishedCell, { value, from }: ReleasedSetting): JudgedCell {
  const basis = `The recipes that follow the released configurations (${from}) have ${value}.`;
  const within = isWithin(value, printedBand(cell));
  const { verdict, sentences, findings } = judgement(cell, value, { within, basis });
  return {
    ...{ reproduced: value, n: null, interval: null, origin: null, verdict, sentences },
    findings: findings.map((finding) => ({ ...finding, kind: "another setting" })),
  };
}

function judgement(
  cell: PublishedCell,
  value: number,
  { within, basis }: { readonly within: boolean; readonly basis: string },
): { verdict: CellVerdict; sentences: string[]; findings: Finding[] } {
  if (within) return { verdict: "within", sentences: [basis], findings: [] };
  const { table, row, column } = cell;
  const [printed, here] = [cell.value, value].map((each) => each.toFixed(cell.digits));
  const sentence = `${row}, ${column}: ${printed} is printed where ${here} follows: ${
    uncapitalised(basis)
  }`;
  return {
    ...{ verdict: "outside", sentences: [basis] },
    findings: [{ kind: "another value", table, sentence }],
  };
}

function judgeMissing(
  cell: PublishedCell,
  place: CellPlace,
  scores: readonly ScoredTables[],
): JudgedCell {
  const { missing } = place.column;
  const bounds = findBounds(place, scores);
  if (bounds === null) return unsupported(missing);
  const { interval, origin } = bounds;
  const [low, high] = interval.map((end) => end.toFixed(cell.digits));
  const admitted =
    `With outputs of any lengths, the published GLM weights admit from ${low} to ${high}.`;
  return {
    ...unsupported(missing),
    ...{ interval, origin, sentences: [missing, admitted] },
    verdict: isWithin(cell.value, interval) ? "not comparable" : "outside",
  };
}

function unsupported(reason: string): JudgedCell {
  return {
    ...{ reproduced: null, n: null, interval: null, verdict: "not comparable", origin: null },
    ...{ sentences: [reason], findings: [] },
  };
}

/** What a number rests on, by the score table that has it. */
function basisOf({ table, row, score, source, turned }: FoundScore): string {
  const count = (name: string) => row.values[name]?.value ?? 0;
  switch (table.id) {
    case "pairwise": {
      const [wins, losses] = turned ? ["losses", "wins"] : ["wins", "losses"];
      return `Counted anew from n = ${score.n} judged turns: ${count(wins)} wins, ` +
        `${count(losses)} losses, ${count("ties")} ties.`;
    }
    case "grades":
      return `The mean of n = ${score.n} grades.`;
    case "categories": {
      const categories = Object.values(row.values).filter((each) => each !== null).length - 1;
      return `The mean of the ${categories} means by category that are stated; the grades are not in ` +
        `these files.`;
    }
    case "leaderboard":
      return basisOfLeaderboard({ row, score, source });
    case "head-to-head":
      return `Predicted from the published GLM weights of the two, over all ${score.n} instructions; ` +
        `how many were judged is not stated.`;
    default:
      return `Scored anew (${table.title}).`;
  }
}

function basisOfLeaderboard(
  { row: { values }, score, source }: Pick<FoundScore, "row" | "score" | "source">,
): string {
  const n = values.discreteWinRate?.n ?? null;
  if (source.value !== "overAll") {
    return `As the published leaderboard states it, over n = ${
      n ?? "unknown"
    } judged instructions; ` +
      `the judgments are not in these files.`;
  }
  const judged = n === null
    ? "no leaderboard row states how many were judged"
    : `all n = ${n} were judged`;
  return `Predicted from the published GLM weights over all ${score.n} instructions; ${judged}.`;
}

/** A sentence of ours as the rest of another. */
function uncapitalised(sentence: string): string {
  return sentence.charAt(0).toLowerCase() + sentence.slice(1);
}
