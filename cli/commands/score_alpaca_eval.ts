import { isFile } from "../../core/is_file.ts";
import { alignColumns } from "../../core/align_columns.ts";
import { InputError } from "../../core/problem.ts";
import { visibleText } from "../../core/visible_text.ts";
import { credit, readAnnotations } from "../../eval/alpaca_eval/annotations.ts";
import { readDifficulties } from "../../eval/alpaca_eval/difficulty.ts";
import { readGamedBaselines } from "../../eval/alpaca_eval/gamed_baselines.ts";
import { readGlmWeights } from "../../eval/alpaca_eval/glm_weights.ts";
import {
  leaderboardCsv,
  leaderboardRow,
  readLeaderboard,
  recomputeLeaderboard,
} from "../../eval/alpaca_eval/leaderboard.ts";
import { type AlpacaEvalScore, scoreAlpacaEval } from "../../eval/alpaca_eval/score.ts";
import { type PairedDifference, pairedDifference } from "../../eval/stats/paired_difference.ts";
import { pairsNeeded } from "../../eval/stats/power.ts";
import { requireShare } from "../min_coverage.ts";
import { printJson, printNotice, printResult } from "../output.ts";
import { userPath } from "../project.ts";
import { writeForOption } from "../write_for_option.ts";

/** Options of `ballast score alpaca-eval`. */
export interface ScoreAnnotationsOptions {
  readonly difficulty: string;
  readonly gamed?: string;
  readonly weights?: string;
  readonly leaderboard?: string;
  /** Share of the rows that must hold a preference. */
  readonly minCoverage?: number;
  readonly json: boolean;
}

/** A scored file. */
interface Scored {
  readonly score: AlpacaEvalScore;
  /** Percent, by instruction, for rows with a preference. */
  readonly credits: ReadonlyMap<string, number>;
}

/** Points of win rate that a reader would like to tell apart. */
const POINTS = 2;
const BOOTSTRAP = { seed: 0 } as const;

/** Scores one file of annotations, or several and their differences, and prints the figures. */
export async function scoreAnnotations(
  files: readonly string[],
  options: ScoreAnnotationsOptions,
): Promise<void> {
  const scored = await scoreFiles(files, options);
  for (const { score } of scored) {
    for (const note of score.notes) printNotice(`${score.model}: ${note}`);
  }
  if (options.leaderboard !== undefined) {
    await addToLeaderboard(userPath(options.leaderboard), scored.map(({ score }) => score));
  }
  const compared = comparisons(scored);
  if (!options.json) return printResult(describe(scored, compared));
  if (scored.length === 1) return printJson(figures(scored[0].score));
  const models = scored.map(({ score }) => ({ model: score.model, ...figures(score) }));
  printJson({ models, comparisons: compared.map(({ a, b, ...each }) => ({ a, b, ...each })) });
}

/** Recomputes a leaderboard from published weights and prints what differs, and why. */
export async function scoreLeaderboard(
  file: string,
  options: { weights: string; difficulty: string; tolerance: number; json: boolean },
): Promise<void> {
  const { tolerance } = options;
  const difficulties = await readDifficulties(userPath(options.difficulty));
  const weights = await readGlmWeights(userPath(options.weights));
  const rows = recomputeLeaderboard(await readLeaderboard(userPath(file)), weights, {
    difficulties,
    tolerance,
  });
  const different = rows.filter(({ cause }) => cause !== null);
  if (options.json) {
    return printJson({ n: rows.length, equal: rows.length - different.length, rows });
  }
  const heading = `${rows.length - different.length} of ${rows.length} models: published weights ` +
    `give the published length-controlled win rate within ${tolerance} points.`;
  if (different.length === 0) return printResult(heading);
  const cells = different.map(({ model, n, published, predicted, cause }) => [
    ...[visibleText(model), String(n), published.toFixed(3), predicted.toFixed(3)],
    cause!,
  ]);
  const table = alignColumns([["model", "n", "published", "from weights", "what"], ...cells]);
  printResult(`${heading}\n\n${table}`);
}

async function scoreFiles(
  files: readonly string[],
  options: ScoreAnnotationsOptions,
): Promise<Scored[]> {
  const difficulties = await readDifficulties(userPath(options.difficulty));
  const weights = options.weights === undefined
    ? undefined
    : { path: userPath(options.weights), models: await readGlmWeights(userPath(options.weights)) };
  const gamed = options.gamed === undefined
    ? undefined
    : await readGamedBaselines(userPath(options.gamed), difficulties.values.length);
  if (weights !== undefined && gamed !== undefined) {
    printNotice("Nothing is fitted with --weights: ignored --gamed.");
  }
  if (weights === undefined && gamed === undefined) {
    printNotice(
      "Without --gamed, the length-controlled win rate is alpaca_eval's length_controlled_noreg, " +
        "which no leaderboard shows.",
    );
  }
  const scored: Scored[] = [];
  for (const file of files) {
    const path = userPath(file);
    const annotations = await readAnnotations(path);
    const score = scoreAlpacaEval({ annotations, path, difficulties, gamed, weights });
    const other = scored.find((each) => each.score.model === score.model);
    if (other !== undefined) {
      const message = `Expected another model than in an earlier file but found "${score.model}".`;
      throw new InputError([{ path, message }]);
    }
    const credits = new Map(annotations.flatMap((row) => {
      const preference = credit(row);
      return preference === null ? [] : [[row.instruction, 100 * preference] as const];
    }));
    // An instruction that comes twice is one.
    requireShare(
      { read: credits.size, of: difficulties.values.length, what: "instructions", path },
      options.minCoverage,
    );
    scored.push({ score, credits });
  }
  return scored;
}

/** The fields of the command-line contract. */
function figures(score: AlpacaEvalScore) {
  return {
    winRate: score.winRate,
    standardError: score.standardError,
    n: score.n,
    lengthControlledWinRate: score.lengthControlled?.rate ?? null,
    harnessLengthControlledWinRate: score.harnessLengthControlled?.rate ?? null,
    avgLength: score.avgLength,
  };
}

interface Compared extends PairedDifference {
  readonly a: string;
  readonly b: string;
}

/** Every two models, paired by instruction; those that share none, or another baseline, are left out. */
function comparisons(scored: readonly Scored[]): Compared[] {
  return scored.flatMap((a, i) =>
    scored.slice(i + 1).flatMap((b) => {
      if (a.score.baseline !== b.score.baseline) {
        printNotice(`${a.score.model} and ${b.score.model} were judged against other baselines.`);
        return [];
      }
      const compared = pairedDifference(a.credits, b.credits, BOOTSTRAP);
      return compared === null ? [] : [{ a: a.score.model, b: b.score.model, ...compared }];
    })
  );
}

function describe(scored: readonly Scored[], compared: readonly Compared[]): string {
  const shown = (value: number | null | undefined) => value?.toFixed(2) ?? "–";
  const head = ["", "LC win rate", "alpaca_eval's LC", "win rate", "SE", "discrete", "n", "length"];
  const rows = scored.map(({ score }) => [
    visibleText(score.model),
    shown(score.lengthControlled?.rate),
    shown(score.harnessLengthControlled?.rate),
    ...[score.winRate, score.standardError, score.discreteWinRate].map(shown),
    String(score.n),
    String(score.avgLength),
  ]);
  const baselines = [...new Set(scored.map(({ score }) => score.baseline))];
  const heading = `Win rates over ${baselines.map((name) => visibleText(name)).join(" and ")}, %`;
  return [heading, alignColumns([head, ...rows]), ...compared.map(describeDifference)].join("\n\n");
}

function describeDifference(compared: Compared): string {
  const { a, b, difference, ci95, pValue, n, deviation, unpaired } = compared;
  const interval = ci95 === null
    ? ""
    : ` (95% interval ${ci95.map((end) => end.toFixed(2)).join(" to ")}, p ${pValue.toFixed(4)})`;
  const left = unpaired === 0 ? "" : ` ${unpaired} instructions have a judgment of one alone.`;
  const needed = deviation === null || deviation === 0
    ? ""
    : ` To tell ${POINTS} points apart in ` +
      `four of five tries takes ${pairsNeeded(POINTS, { deviation })} instructions.`;
  return `${visibleText(a)} − ${visibleText(b)}: ${difference.toFixed(2)} points of win rate` +
    `${interval}, paired over ${n} instructions.${left}${needed}`;
}

/** Puts rows into a leaderboard, each in the place of an older one of the same model. */
async function addToLeaderboard(path: string, scores: readonly AlpacaEvalScore[]): Promise<void> {
  const added = scores.map(leaderboardRow);
  const models = new Set(added.map(({ model }) => model));
  const kept = await isFile(path)
    ? (await readLeaderboard(path)).filter(({ model }) => !models.has(model))
    : [];
  await writeForOption({ option: "--leaderboard", path }, async () => {
    const unfinished = `${path}.unfinished`;
    await Deno.writeTextFile(unfinished, leaderboardCsv([...kept, ...added]));
    await Deno.rename(unfinished, path);
  });
}
