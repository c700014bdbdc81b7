import { collectProblems, InputError } from "../../core/problem.ts";
import type { ScoreTable } from "../../core/score_table.ts";
import { findJudgmentFiles, type JudgmentKind } from "../judgment_files.ts";
import { type NamedModel, nameModels } from "../named_models.ts";
import { annotationsTable, type ScoredAnnotations, scoreFiles } from "./annotations_table.ts";
import { readAnnotations } from "./annotations.ts";
import { type Difficulties, readDifficulties } from "./difficulty.ts";
import { type GamedRow, readGamedBaselines } from "./gamed_baselines.ts";
import { baselineOf, type GlmWeights, readGlmWeights } from "./glm_weights.ts";
import { type LeaderboardRow, readLeaderboard } from "./leaderboard.ts";
import { leaderboardTable, weightsTable } from "./weights_tables.ts";

/** Which judgments of AlpacaEval 2.0 to score, and how. */
export interface AlpacaEvalRequest {
  /** Folders of artifacts of judgments. */
  readonly folders: readonly string[];
  readonly models: readonly NamedModel[];
  /** A file of the instructions' difficulties. */
  readonly difficulty: string;
  /** A file of the gamed baselines' rows. */
  readonly gamed?: string;
  /** The model that leaderboards are against. */
  readonly baseline: string;
  /** Seed of the bootstraps and simulations. */
  readonly seed: number;
}

/** Tables, and what a reader must be warned of. */
export interface AlpacaEvalTables {
  readonly tables: readonly ScoreTable[];
  readonly warnings: readonly string[];
}

/** Weights of models against one. */
export interface WeightsFile {
  readonly baseline: string;
  readonly models: ReadonlyMap<string, GlmWeights>;
}

/** What the folders hold, and what it is scored with. */
interface AlpacaEvalFiles {
  readonly annotations: readonly ScoredAnnotations[];
  readonly leaderboard: readonly LeaderboardRow[];
  readonly weights: readonly WeightsFile[];
  readonly difficulties: Difficulties;
  readonly gamed?: readonly GamedRow[];
}

/**
 * Scores all that the folders hold of AlpacaEval 2.0: annotations, by a fit of our own; leaderboards and
 * weights, by prediction from these.
 *
 * @throws InputError when they hold nothing of it, or with every problem of their files
 */
export async function alpacaEvalTables(request: AlpacaEvalRequest): Promise<AlpacaEvalTables> {
  const files = await readFiles(request);
  const { annotations, leaderboard, weights, difficulties, gamed } = files;
  if (annotations.length + leaderboard.length + weights.length === 0) {
    const message = "Expected annotations, a leaderboard or weights but found none.";
    throw new InputError([{ path: "judgments", message }]);
  }
  const names = nameModels(request.models, modelsOf(files));
  const own = weights.find(({ baseline }) => baseline === request.baseline);
  const others = weights.filter(({ baseline }) => baseline !== request.baseline);
  const scored = annotations.length === 0
    ? []
    : [annotationsTable(annotations, names, request.gamed !== undefined)];
  const ranked = leaderboardTable(leaderboard, own?.models ?? new Map(), {
    ...{ baseline: request.baseline, difficulties, names, gamed, seed: request.seed },
    named: request.models.map(({ model }) => model),
  });
  return {
    tables: [
      ...scored,
      ...(ranked === null ? [] : [ranked.table]),
      ...(others.length === 0 ? [] : [weightsTable(others, { difficulties, names })]),
    ],
    warnings: [
      ...annotations.flatMap(({ score: { model, notes } }) =>
        notes.map((note) => `${names.labelOf(model)}: ${note}`)
      ),
      ...(ranked?.warnings ?? []),
    ],
  };
}

async function readFiles(request: AlpacaEvalRequest): Promise<AlpacaEvalFiles> {
  const { folders, seed } = request;
  const difficulties = await readDifficulties(request.difficulty);
  const size = difficulties.values.length;
  const read = async <T>(kind: JudgmentKind, open: (path: string) => Promise<T>) => {
    const paths = await Promise.all(folders.map((folder) => findJudgmentFiles(folder, kind)));
    return await collectProblems(paths.flat().map((path) => () => open(path)));
  };
  const gamed = request.gamed === undefined
    ? undefined
    : await readGamedBaselines(request.gamed, size);
  const annotations = await read("annotations", async (path) => ({
    path,
    annotations: await readAnnotations(path),
  }));
  return {
    difficulties,
    gamed,
    annotations: await scoreFiles(annotations, { difficulties, gamed, seed }),
    leaderboard: (await read("leaderboards", readLeaderboard)).flat(),
    weights: await read("weights", async (path) => ({
      baseline: baselineOf(path),
      models: await readGlmWeights(path),
    })),
  };
}

function modelsOf({ annotations, leaderboard, weights }: AlpacaEvalFiles): string[] {
  return [
    ...annotations.flatMap(({ score }) => [score.model, score.baseline]),
    ...leaderboard.map(({ model }) => model),
    ...weights.flatMap(({ baseline, models }) => [baseline, ...models.keys()]),
  ];
}
