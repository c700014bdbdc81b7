import { basename, join } from "node:path";
import { isFile } from "../core/is_file.ts";
import { collectProblems, InputError, type Problem } from "../core/problem.ts";
import { readAnnotations } from "./alpaca_eval/annotations.ts";
import { baselineOf, readGlmWeights } from "./alpaca_eval/glm_weights.ts";
import { readLeaderboard } from "./alpaca_eval/leaderboard.ts";
import { readCategoryMeans } from "./mt_bench/category_means.ts";
import { readPairJudgments, readSingleJudgments } from "./mt_bench/judgments.ts";
import { readPublishedTables } from "./published_tables.ts";

/** Kinds of files with judgments, or with what was made of them; how each is checked. */
const CHECKS = {
  annotations: readAnnotations,
  leaderboards: readLeaderboard,
  weights: async (path: string) => {
    baselineOf(path);
    await readGlmWeights(path);
  },
  pairs: readPairJudgments,
  grades: readSingleJudgments,
  categoryMeans: readCategoryMeans,
  published: readPublishedTables,
} as const satisfies Readonly<Record<string, (path: string) => Promise<unknown>>>;

/** A kind of file; also the folder that an artifact of judgments keeps such files in. */
export type JudgmentKind = keyof typeof CHECKS;

/** The kinds. */
export const JUDGMENT_KINDS = Object.keys(CHECKS) as JudgmentKind[];

/** What stages that ask a judge call theirs. */
const OF_JUDGE: Readonly<Partial<Record<JudgmentKind, string>>> = {
  annotations: "annotations.json",
  pairs: "mt_bench_pair.jsonl",
  grades: "mt_bench_single.jsonl",
};

/**
 * Checks files row by row and copies them, each kind into a folder of its own.
 *
 * @param files paths within `from`, by kind
 * @param into an empty folder
 * @throws InputError with the problems of every file: missing, of another kind, with bad rows, of a
 *   name that another has
 */
export async function keepJudgmentFiles(
  files: Readonly<Record<JudgmentKind, readonly string[]>>,
  { from, into }: { readonly from: string; readonly into: string },
): Promise<void> {
  const listed = JUDGMENT_KINDS.flatMap((kind) => files[kind].map((name) => ({ kind, name })));
  await collectProblems([
    () => refuseSameNames(listed),
    ...listed.map(({ kind, name }) => async () => {
      await CHECKS[kind](join(from, name));
    }),
  ]);
  for (const { kind, name } of listed) {
    await Deno.mkdir(join(into, kind), { recursive: true });
    await Deno.writeFile(join(into, kind, basename(name)), await Deno.readFile(join(from, name)));
  }
}

/** The files of a kind in the folder of an artifact of judgments, in the order of their names. */
export async function findJudgmentFiles(folder: string, kind: JudgmentKind): Promise<string[]> {
  const ofJudge = OF_JUDGE[kind];
  const judged = ofJudge !== undefined && await isFile(join(folder, ofJudge))
    ? [join(folder, ofJudge)]
    : [];
  try {
    const entries = await Array.fromAsync(Deno.readDir(join(folder, kind)));
    const names = entries.map(({ name }) => name).sort();
    return [...judged, ...names.map((name) => join(folder, kind, name))];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return judged;
    throw error;
  }
}

function refuseSameNames(listed: readonly { kind: JudgmentKind; name: string }[]): void {
  const seen = new Map<string, string>();
  const problems: Problem[] = [];
  for (const { kind, name } of listed) {
    const kept = `${kind}/${basename(name)}`;
    const other = seen.get(kept);
    if (other === undefined) seen.set(kept, name);
    else {problems.push({
        path: name,
        message: `Expected another file name than that of ${other}.`,
      });}
  }
  if (problems.length > 0) throw new InputError(problems);
}
