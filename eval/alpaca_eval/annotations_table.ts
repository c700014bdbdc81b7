import { collectProblems, InputError } from "../../core/problem.ts";
import { plainScore, type Score, type ScoreRow, type ScoreTable } from "../../core/score_table.ts";
import type { ModelNames } from "../named_models.ts";
import { bootstrapInterval } from "../stats/bootstrap.ts";
import { type Annotation, credit } from "./annotations.ts";
import type { Difficulties } from "./difficulty.ts";
import type { GamedRow } from "./gamed_baselines.ts";
import { type AlpacaEvalScore, type ControlledWinRate, scoreAlpacaEval } from "./score.ts";

/** One model's file of annotations, scored. */
export interface ScoredAnnotations {
  readonly score: AlpacaEvalScore;
  /** Of the win rate, a bootstrap over instructions; null for a single one. */
  readonly ci95: readonly [number, number] | null;
}

/**
 * Scores files of annotations, one model each.
 *
 * @throws InputError with every problem of every file, and every model that two files have
 */
export async function scoreFiles(
  files: readonly { readonly path: string; readonly annotations: readonly Annotation[] }[],
  { seed, ...control }: {
    readonly difficulties: Difficulties;
    readonly gamed?: readonly GamedRow[];
    readonly seed: number;
  },
): Promise<ScoredAnnotations[]> {
  const models = new Map<string, string>();
  return await collectProblems(files.map(({ path, annotations }) => () => {
    const score = scoreAlpacaEval({ annotations, path, ...control });
    const other = models.get(score.model);
    if (other !== undefined) {
      const message = `Expected another model than in ${other} but found "${score.model}".`;
      throw new InputError([{ path, message }]);
    }
    models.set(score.model, path);
    return { score, ci95: winRateInterval(annotations, seed) };
  }));
}

function winRateInterval(annotations: readonly Annotation[], seed: number) {
  const judged = annotations.filter(({ preference }) => preference !== null);
  const items = judged.map(({ instruction }) => instruction);
  if (new Set(items).size < 2) return null;
  return bootstrapInterval({ items, values: judged.map((row) => 100 * credit(row)!) }, { seed });
}

const rate = { unit: "%", better: null, digits: 2 } as const;

/** Win rates of models, as they are and with length controlled. */
export function annotationsTable(
  scored: readonly ScoredAnnotations[],
  names: ModelNames,
  gamed: boolean,
): ScoreTable {
  const byModel = new Map(scored.map((each) => [each.score.model, each]));
  const baselines = [...new Set(scored.map(({ score }) => names.labelOf(score.baseline)))];
  return {
    id: "annotations",
    title: `AlpacaEval 2.0: win rate over ${baselines.join(" and ")}`,
    heading: "Model",
    caption: captionOf(gamed),
    columns: [
      { id: "lengthControlled", label: "LC win rate", ...rate, better: "higher" },
      { id: "lcStandardError", label: "LC standard error", ...rate },
      { id: "harnessLengthControlled", label: "alpaca_eval's LC", ...rate },
      { id: "winRate", label: "Win rate", ...rate, better: "higher" },
      { id: "standardError", label: "Standard error", ...rate },
      { id: "discreteWinRate", label: "Discrete", ...rate },
      { id: "avgLength", label: "Length", unit: "characters", better: null, digits: 0 },
    ],
    rows: names.inOrder(byModel.keys()).map((model): ScoreRow => {
      const { score, ci95 } = byModel.get(model)!;
      const controlled = (of: ControlledWinRate | null): Score | null =>
        of && { value: of.rate, ci95: null, n: score.n };
      return {
        id: model,
        label: names.labelOf(model),
        values: {
          lengthControlled: controlled(score.lengthControlled),
          lcStandardError: plainScore(score.lengthControlled?.standardError),
          harnessLengthControlled: controlled(score.harnessLengthControlled),
          winRate: { value: score.winRate, ci95, n: score.n },
          standardError: plainScore(score.standardError),
          discreteWinRate: plainScore(score.discreteWinRate),
          avgLength: plainScore(score.avgLength),
        },
        note: score.notes.length === 0 ? null : score.notes.join(" "),
      };
    }),
  };
}

function captionOf(gamed: boolean): string {
  const fit = "LC: the length-controlled GLM, fitted anew, with the difficulty of a row's own " +
    "instruction; alpaca_eval's takes it by the row's position. Its standard error is that of the " +
    "predicted preferences over instructions.";
  const alone = " Fitted without the gamed baselines' rows, so that it is alpaca_eval's " +
    "length_controlled_noreg, which no leaderboard shows.";
  return `${fit}${gamed ? "" : alone} Win rate: mean preference ± 95% interval, its larger side ` +
    "(bootstrap over instructions). n counts rows with a preference, which the fit rests on; outputs " +
    "that equal the baseline's are ties, which no judge is asked about.";
}
