import { alignColumns } from "../../core/align_columns.ts";
import { InputError, type Problem } from "../../core/problem.ts";
import { visibleText } from "../../core/visible_text.ts";
import { readPairJudgments, readSingleJudgments } from "../../eval/mt_bench/judgments.ts";
import { pairVerdicts, type PairwiseScore, scorePairwise } from "../../eval/mt_bench/pairwise.ts";
import { readQuestions } from "../../eval/mt_bench/questions.ts";
import { scoreSingle, type SingleScore } from "../../eval/mt_bench/single.ts";
import {
  type Agreement,
  describeAgreement,
  type Preference,
  sharedAgreement,
} from "../../eval/stats/agreement.ts";
import { describePower } from "../../eval/stats/power.ts";
import { requireShare } from "../min_coverage.ts";
import { printJson, printNotice, printResult } from "../output.ts";
import { userPath } from "../project.ts";

/** Options of `ballast score mt-bench`. */
export interface ScoreMtBenchOptions {
  readonly pairwise?: string;
  readonly a?: string;
  readonly b?: string;
  readonly single?: string;
  readonly questions?: string;
  readonly judge?: string;
  /** Another judge's pairwise judgments. */
  readonly agreeWith?: string;
  readonly agreeWithJudge?: string;
  /** Share of the turns that must be readable. */
  readonly minCoverage?: number;
  readonly json: boolean;
}

/** Scores a file of FastChat's judgments and prints the figures. */
export async function scoreMtBench(options: ScoreMtBenchOptions): Promise<void> {
  const { pairwise, single, a, b } = options;
  requireUsage(options);
  if (single !== undefined) return await printSingle(userPath(single), options);
  await printPairwise(userPath(pairwise!), { ...options, a: a!, b: b! });
}

function requireUsage(
  { pairwise, single, a, b, questions, agreeWith, agreeWithJudge }: ScoreMtBenchOptions,
): void {
  const problems: Problem[] = [];
  if ((pairwise === undefined) === (single === undefined)) {
    const found = pairwise === undefined ? "neither" : "both";
    problems.push({
      path: "--pairwise",
      message: `Expected either --pairwise or --single but found ${found}.`,
    });
  }
  for (const [path, model] of [["--a", a], ["--b", b]] as const) {
    if (pairwise !== undefined && model === undefined) {
      problems.push({ path, message: "Expected a model's name with --pairwise but found none." });
    }
    if (pairwise === undefined && model !== undefined) {
      problems.push({ path, message: "Expected this with --pairwise alone." });
    }
  }
  if (pairwise === undefined && agreeWith !== undefined) {
    problems.push({ path: "--agree-with", message: "Expected this with --pairwise alone." });
  }
  if (agreeWith === undefined && agreeWithJudge !== undefined) {
    problems.push({
      path: "--agree-with-judge",
      message: "Expected this with --agree-with alone.",
    });
  }
  if (single === undefined && questions !== undefined) {
    problems.push({ path: "--questions", message: "Expected this with --single alone." });
  }
  if (problems.length > 0) throw new InputError(problems);
}

async function printPairwise(
  path: string,
  { a, b, judge, json, minCoverage, ...other }: ScoreMtBenchOptions & { a: string; b: string },
): Promise<void> {
  const rows = await readPairJudgments(path);
  const score = scorePairwise(rows, { a, b, path, judge, seed: 0 });
  const { wins, losses, ties, adjustedWinRate, ci95, n, unreadable } = score;
  const what = "turns judged in both orders";
  requireShare({ read: n, of: n + unreadable, what, path }, minCoverage);
  noticeUnreadable(score);
  const agreed = other.agreeWith === undefined
    ? null
    : await agreementWith(pairVerdicts(rows, { a, b, path, judge }), { ...other, a, b });
  if (!json) return printResult(describePairwise(score, { a, b, agreed }));
  const agreement = agreed === null ? {} : { agreement: agreed };
  printJson({ wins, losses, ties, adjustedWinRate, ci95, n, ...agreement });
}

/** How far another judge's verdicts are the same, on the turns that both judged. */
async function agreementWith(
  own: ReadonlyMap<string, Preference>,
  { agreeWith, agreeWithJudge: judge, a, b }: Omit<ScoreMtBenchOptions, "json"> & {
    a: string;
    b: string;
  },
): Promise<Agreement> {
  const path = userPath(agreeWith!);
  const theirs = pairVerdicts(await readPairJudgments(path), { a, b, path, judge });
  const agreed = sharedAgreement(own, theirs);
  if (agreed !== null) return agreed;
  const message = "Expected judgments of the same turns but found none.";
  throw new InputError([{ path, message }]);
}

async function printSingle(
  path: string,
  { judge, json, minCoverage, ...options }: ScoreMtBenchOptions,
): Promise<void> {
  const questions = options.questions === undefined
    ? undefined
    : await readQuestions(userPath(options.questions));
  const rows = await readSingleJudgments(path);
  const scores = scoreSingle(rows, { path, judge, questions });
  for (const model of new Set(rows.map(({ model }) => model))) {
    const { n, unreadable } = scores.find((score) => score.model === model) ??
      { n: 0, unreadable: rows.filter((row) => row.model === model).length };
    const what = `grades of ${model}`;
    requireShare({ read: n, of: n + unreadable, what, path }, minCoverage);
  }
  scores.forEach((score) => noticeUnreadable(score, score.model));
  if (!json) return printResult(describeSingle(scores));
  printJson({
    models: scores.map(({ model, mean, turn1, turn2, categories, n }) => ({
      ...{ model, mean, turn1, turn2, categories, n },
    })),
  });
}

function noticeUnreadable({ unreadable, n }: { unreadable: number; n: number }, model = ""): void {
  if (unreadable === 0) return;
  const whose = model === "" ? "" : `${model}: `;
  printNotice(
    `${whose}${unreadable} of ${unreadable + n} judgments could not be read and are left out.`,
  );
}

function describePairwise(
  score: PairwiseScore,
  { a, b, agreed }: { readonly a: string; readonly b: string; readonly agreed: Agreement | null },
): string {
  const { wins, losses, ties, adjustedWinRate, ci95, n, consistency, standardError } = score;
  const power = describePower(standardError, { n, what: "turns" });
  const interval = ci95 === null
    ? ""
    : ` (95% interval ${ci95.map((end) => end.toFixed(2)).join(" to ")})`;
  const share = (value: number) => `${value.toFixed(1)}%`;
  return [
    `${visibleText(a)} over ${visibleText(b)}: ${wins} wins, ${losses} losses, ${ties} ties in ` +
    `${n} turns, each judged in both orders`,
    `Adjusted win rate ${adjustedWinRate.toFixed(2)}%${interval}`,
    `Same verdict in both orders ${share(consistency.consistent)}; the first answer preferred in ` +
    `both ${share(consistency.first)}, the second ${share(consistency.second)}`,
    ...(power === null ? [] : [power]),
    ...(agreed === null ? [] : [describeAgreement(agreed, "turns")]),
  ].join("\n");
}

function describeSingle(scores: readonly SingleScore[]): string {
  const categories = [...new Set(scores.flatMap((each) => Object.keys(each.categories)))];
  const shown = (value: number | null | undefined) => value?.toFixed(3) ?? "–";
  const head = ["", "mean", "turn 1", "turn 2", ...categories, "n"].map((name) =>
    visibleText(name)
  );
  return alignColumns([
    head,
    ...scores.map((score) => [
      visibleText(score.model),
      ...[score.mean, score.turn1, score.turn2].map(shown),
      ...categories.map((category) => shown(score.categories[category])),
      String(score.n),
    ]),
  ]);
}
