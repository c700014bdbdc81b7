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
  const told = ({ tokenizeSeconds }: TokenizeResult) => `${tokenizeSeconds.toFixed(2)} s`;
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

/** Figures of each system, then what Ballast's are divided by the peer's, round by round. */
export function describe(found: Readonly<Record<Worker["name"], readonly Round[]>>): string {
  const rate = ({ rows, tokenizeSeconds }: Round) => rows / tokenizeSeconds;
  const reading = (way: string) => ({ tokens, readSeconds }: Round) =>
    tokens / spreadOf(readSeconds[way]).median / 1e6;
  const ways = Object.keys(found.datasets[0].readSeconds);
  const show = (rounds: readonly Round[], value: (round: Round) => number, digits: number) =>
    showSpread(spreadOf(rounds.map(value)), digits);
  const { ballast, datasets } = found;
  const ratio = (ours: (round: Round) => number, theirs: (round: Round) => number) =>
    showSpread(spreadOf(ballast.map((round, i) => ours(round) / theirs(datasets[i]))), 2);
  const ownReading = reading("rows");
  return alignColumns([
    ["", "ballast", "datasets", "ballast ÷ datasets"],
    ["rows/s", show(ballast, rate, 0), show(datasets, rate, 0), ratio(rate, rate)],
    ...ways.map((way) => [
      `Mtokens/s read again (datasets: ${way})`,
      show(ballast, ownReading, 1),
      show(datasets, reading(way), 1),
      ratio(ownReading, reading(way)),
    ]),
    ...([
      ["peak MB", ({ peakBytes }) => peakBytes / 1e6, 0],
      ["other cores", ({ otherCores }) => otherCores, 2],
    ] as const satisfies readonly [string, (round: Round) => number, number][]).map(
      ([title, value, digits]) => [
        title,
        show(ballast, value, digits),
        show(datasets, value, digits),
        "",
      ],
    ),
  ]);
}
