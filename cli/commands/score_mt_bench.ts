import { alignColumns } from "../../core/align_columns.ts";
import { InputError, type Problem } from "../../core/problem.ts";
import { visibleText } from "../../core/visible_text.ts";
import { readPairJudgments, readSingleJudgments } from "../../eval/mt_bench/judgments.ts";
import { type PairwiseScore, scorePairwise } from "../../eval/mt_bench/pairwise.ts";
import { readQuestions } from "../../eval/mt_bench/questions.ts";
import { scoreSingle, type SingleScore } from "../../eval/mt_bench/single.ts";
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
  readonly json: boolean;
}

/** Scores a file of FastChat's judgments and prints the figures. */
export async function scoreMtBench(options: ScoreMtBenchOptions): Promise<void> {
  const { pairwise, single, a, b } = options;
  requireUsage(options);
  if (single !== undefined) return await printSingle(userPath(single), options);
  await printPairwise(userPath(pairwise!), { ...options, a: a!, b: b! });
}

function requireUsage({ pairwise, single, a, b, questions }: ScoreMtBenchOptions): void {
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
  if (single === undefined && questions !== undefined) {
    problems.push({ path: "--questions", message: "Expected this with --single alone." });
  }
  if (problems.length > 0) throw new InputError(problems);
}

async function printPairwise(
  path: string,
  { a, b, judge, json }: ScoreMtBenchOptions & { a: string; b: string },
): Promise<void> {
  const score = scorePairwise(await readPairJudgments(path), { a, b, path, judge, seed: 0 });
  noticeUnreadable(score);
  if (!json) return printResult(describePairwise(score, a, b));
  const { wins, losses, ties, adjustedWinRate, ci95, n } = score;
  printJson({ wins, losses, ties, adjustedWinRate, ci95, n });
}

async function printSingle(
  path: string,
  { judge, json, ...options }: ScoreMtBenchOptions,
): Promise<void> {
  const questions = options.questions === undefined
    ? undefined
    : await readQuestions(userPath(options.questions));
  const scores = scoreSingle(await readSingleJudgments(path), { path, judge, questions });
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

function describePairwise(score: PairwiseScore, a: string, b: string): string {
  const { wins, losses, ties, adjustedWinRate, ci95, n, consistency } = score;
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
