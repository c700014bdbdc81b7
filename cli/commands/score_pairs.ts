import { InputError, type Problem } from "../../core/problem.ts";
import type { ScoreRow } from "../../core/score_table.ts";
import { judgeAgreement } from "../../eval/judge/judge_agreement.ts";
import { holdsJudged, readJudged } from "../../eval/judge/judged_files.ts";
import { countWhole, type Judged } from "../../eval/judge/judgment.ts";
import { type JudgedInput, pairScoresTable } from "../../eval/judge/pair_scores.ts";
import { type Agreement, describeAgreement } from "../../eval/stats/agreement.ts";
import { scoreTable } from "../../reports/score_tables.ts";
import { renderText } from "../../reports/text.ts";
import { requireShare } from "../min_coverage.ts";
import { noticeOutput, printJson, printResult } from "../output.ts";
import { userPath } from "../project.ts";

/** Options of `ballast score pairs`. */
export interface ScorePairsOptions {
  /** A folder of another judge's judgments of the same replies. */
  readonly agreeWith?: string;
  /** Share of the pairs whose every order must be scored. */
  readonly minCoverage?: number;
  readonly json: boolean;
}

/** Scores judgments of pairs that a recipe's judge left, as the stage `score-pairs` does. */
export async function scorePairs(
  folders: readonly string[],
  { agreeWith, minCoverage, json }: ScorePairsOptions,
): Promise<void> {
  requireUsage(folders, agreeWith);
  const inputs = await openAll(folders);
  for (const { from: path, judged: { judgments } } of inputs) {
    const { whole: read, all: of, inBothOrders } = countWhole(judgments);
    const what = inBothOrders ? "pairs judged in both orders" : "pairs";
    requireShare({ read, of, what, path }, minCoverage);
  }
  const table = pairScoresTable(inputs, { models: [], seed: 0 });
  const agreed = agreeWith === undefined ? null : await agreementWith(inputs[0].judged, agreeWith);
  if (json) {
    const { judge } = inputs[0].judged;
    return printJson({
      judge,
      pairs: table.rows.map(figures),
      ...(agreed && { agreement: agreed }),
    });
  }
  const text = renderText(scoreTable(table, { instance: "score", digest: "" }), {
    width: noticeOutput.columns(),
  });
  printResult(agreed === null ? text : `${text}\n${describeAgreement(agreed, "pairs")}`);
}

function requireUsage(folders: readonly string[], agreeWith: string | undefined): void {
  const problems: Problem[] = folders.flatMap((folder, i) =>
    folders.findIndex((other) => userPath(other) === userPath(folder)) === i
      ? []
      : [{ path: folder, message: "Expected each folder once but found it twice." }]
  );
  if (agreeWith !== undefined && folders.length > 1) {
    problems.push({
      path: "--agree-with",
      message: `Expected one folder to hold against it but found ${folders.length}.`,
    });
  }
  if (problems.length > 0) throw new InputError(problems);
}

/** Each folder's judgments; those of the same two systems are seeds of one duel, in the order given. */
async function openAll(folders: readonly string[]): Promise<JudgedInput[]> {
  const judged = await Promise.all(folders.map(open));
  const duel = ({ systems }: Judged) => JSON.stringify(systems);
  return judged.map((own, i) => {
    const seed = judged.slice(0, i).filter((other) => duel(other) === duel(own)).length;
    return { from: folders[i], axes: { seed }, judged: own };
  });
}

async function open(folder: string): Promise<Judged> {
  const path = userPath(folder);
  if (await holdsJudged(path)) return await readJudged(path);
  const message =
    "Expected a folder of judgments that the stage judge, judge-answers or judge-gold " +
    "left, with summary.json, but found none.";
  throw new InputError([{ path, message }]);
}

async function agreementWith(own: Judged, folder: string): Promise<Agreement> {
  const other = await open(folder);
  const agreed = judgeAgreement(own, other);
  if (agreed !== null) return agreed;
  const names = ({ systems }: Judged) => systems.toReversed().join(" over ");
  const found = names(own) === names(other) ? "none that both scored" : `those of ${names(other)}`;
  const message = `Expected judgments of the same replies of ${names(own)} but found ${found}.`;
  throw new InputError([{ path: userPath(folder), message }]);
}

/** A row of the table, with the systems by their names. */
function figures({ values, label }: ScoreRow) {
  const of = (id: string) => values[id]?.value ?? null;
  const { winRate } = values;
  return {
    systems: label,
    ...{ wins: of("wins"), losses: of("losses"), ties: of("ties") },
    ...{ winRate: of("winRate"), ci95: winRate?.ci95 ?? null, n: winRate?.n ?? 0 },
    ...{ sameVerdict: of("sameVerdict"), firstPreferred: of("firstPreferred") },
    ...{ neededForTwoPoints: of("neededForTwoPoints"), scored: of("scored") },
  };
}
