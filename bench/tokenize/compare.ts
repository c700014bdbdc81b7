import { join } from "node:path";
import { alignColumns } from "../../core/align_columns.ts";
import { ExpectedError } from "../../core/problem.ts";
import { inTurns, type Observed } from "../in_turns.ts";
import { showSpread, spreadOf } from "../training/table.ts";
import type { TokenizeJob, TokenizeResult } from "./job.ts";
import { runWorker, type Worker } from "./run_worker.ts";

/** How to compare. */
export interface CompareTokenizers {
  readonly job: Omit<TokenizeJob, "pairs">;
  /** Python with the peer. */
  readonly python: string;
  readonly rounds: number;
  /** Told each run's figures. */
  readonly onRun: (told: string) => void;
}

/** A run's figures and how many cores other processes kept busy meanwhile. */
type Round = Observed<TokenizeResult>;

type Found = Readonly<Record<Worker["name"], readonly Round[]>>;

/**
 * Runs both systems in turn, who begins alternating from round to round, and words the figures.
 *
 * @throws ExpectedError when the systems do not give the same tokens
 */
export async function compareTokenizers(
  pairs: Readonly<Record<Worker["name"], string>>,
  { job, python, rounds, onRun }: CompareTokenizers,
): Promise<string> {
  const run = (worker: Worker) => async (round: number) => {
    const work = join(job.work, `${worker.name}-${round}`);
    await Deno.mkdir(work);
    try {
      return await runWorker(worker, { ...job, pairs: pairs[worker.name], work });
    } finally {
      await Deno.remove(work, { recursive: true });
    }
  };
  const runs = { ballast: run({ name: "ballast" }), datasets: run({ name: "datasets", python }) };
  const told = ({ openSeconds, tokenizeSeconds }: TokenizeResult) =>
    `${openSeconds.toFixed(2)} + ${tokenizeSeconds.toFixed(2)} s`;
  const found = await inTurns(runs, { rounds, onRun, told });
  requireEqualTokens(found.ballast[0], found.datasets[0]);
  return describe(found);
}

function requireEqualTokens(ours: TokenizeResult, theirs: TokenizeResult): void {
  for (const field of ["rows", "tokens", "sum"] as const) {
    if (ours[field] !== theirs[field]) {
      throw new ExpectedError(
        `Expected the same ${field} of both systems but found ${ours[field]} (ballast) and ` +
          `${theirs[field]} (datasets).`,
      );
    }
  }
}

type Figure = (round: Round) => number;

const mapRate: Figure = ({ rows, tokenizeSeconds }) => rows / tokenizeSeconds;
const wholeRate: Figure = ({ rows, openSeconds, tokenizeSeconds }) =>
  rows / (openSeconds + tokenizeSeconds);

/** Figures of each system, then what Ballast's are divided by the peer's, round by round. */
export function describe({ ballast, datasets }: Found): string {
  const show = (rounds: readonly Round[], figure: Figure, digits: number) =>
    showSpread(spreadOf(rounds.map(figure)), digits);
  const compared = (title: string, [ours, theirs]: readonly [Figure, Figure], digits: number) => [
    title,
    show(ballast, ours, digits),
    show(datasets, theirs, digits),
    showSpread(spreadOf(ballast.map((round, i) => ours(round) / theirs(datasets[i]))), 2),
  ];
  const alone = (title: string, figure: Figure, digits: number) => [
    title,
    show(ballast, figure, digits),
    show(datasets, figure, digits),
    "",
  ];
  const ways = Object.keys(datasets[0].readSeconds);
  const passes = ballast[0].readSeconds.rows.length;
  const once = (way: string): Figure => ({ tokens, readSeconds }) =>
    tokens / spreadOf(readSeconds[way]).median / 1e6;
  const often = (way: string): Figure => ({ tokens, epochSeconds }) =>
    tokens / epochSeconds[way] / 1e6;
  const named = (way: string) => way === "lists" ? "lists, its default" : way;
  return alignColumns([
    ["", "ballast", "datasets", "ballast ÷ datasets"],
    compared("rows/s (datasets: map alone)", [wholeRate, mapRate], 0),
    compared("rows/s (both: tokenizer opened and texts read)", [wholeRate, wholeRate], 0),
    ...ways.map((way) =>
      compared(`Mtokens/s read again (datasets: ${named(way)})`, [once("rows"), once(way)], 1)
    ),
    ...ways.map((way) =>
      compared(
        `Mtokens/s opened once, read ${passes} times (datasets: ${named(way)})`,
        [often("rows"), often(way)],
        1,
      )
    ),
    alone("peak MB", ({ peakBytes }) => peakBytes / 1e6, 0),
    alone("other cores", ({ otherCores }) => otherCores, 2),
  ]);
}
