import { join } from "node:path";
import { alignColumns } from "../../core/align_columns.ts";
import { ExpectedError } from "../../core/problem.ts";
import { othersDuring } from "../training/others_load.ts";
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
interface Round extends TokenizeResult {
  readonly otherCores: number;
}

/**
 * Runs both systems in turn, who begins alternating from round to round, and words the figures.
 *
 * @throws ExpectedError when the systems do not give the same tokens
 */
export async function compareTokenizers(
  pairs: Readonly<Record<Worker["name"], string>>,
  { job, python, rounds, onRun }: CompareTokenizers,
): Promise<string> {
  const found: Record<Worker["name"], Round[]> = { ballast: [], datasets: [] };
  const workers: Worker[] = [{ name: "ballast" }, { name: "datasets", python }];
  for (let round = 0; round < rounds; round++) {
    for (const worker of round % 2 === 0 ? workers : workers.toReversed()) {
      const work = join(job.work, `${worker.name}-${round}`);
      await Deno.mkdir(work);
      const run = () => runWorker(worker, { ...job, pairs: pairs[worker.name], work });
      const { result, otherCores } = await othersDuring(run);
      await Deno.remove(work, { recursive: true });
      found[worker.name].push({ ...result, otherCores });
      onRun(
        `round ${round + 1}: ${worker.name}: ${result.tokenizeSeconds.toFixed(2)} s, ` +
          `${otherCores.toFixed(2)} other cores`,
      );
    }
  }
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
