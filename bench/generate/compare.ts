import { join } from "node:path";
import { alignColumns } from "../../core/align_columns.ts";
import { ExpectedError } from "../../core/problem.ts";
import { inTurns, type Observed } from "../in_turns.ts";
import { lastLine, type Program, runProgram } from "../run_program.ts";
import { MALLOCS } from "../training/systems.ts";
import { showSpread, spreadOf } from "../training/table.ts";
import type { GenerateJob, GenerateResult } from "./job.ts";

/** A run's figures and how many cores other processes kept busy meanwhile. */
export type Round = Observed<GenerateResult>;

/** Both systems' runs, round by round. */
export interface Found {
  readonly ballast: readonly Round[];
  readonly transformers: readonly Round[];
}

/**
 * Generates by both systems in turn, who begins alternating from round to round.
 *
 * @throws ExpectedError when they do not begin their replies alike
 */
export async function compareGenerators(
  job: GenerateJob,
  { python, rounds, onRun }: {
    readonly python: string;
    readonly rounds: number;
    readonly onRun: (told: string) => void;
  },
): Promise<Found> {
  const run = async (program: Program) =>
    lastLine<GenerateResult>((await runProgram(program)).stdout);
  const runs = {
    ballast: () => run(ballast(job)),
    transformers: () => run(transformers(job, python)),
  };
  const told = ({ seconds }: GenerateResult) =>
    `${seconds.map((each) => each.toFixed(2)).join(", ")} s`;
  const found = await inTurns(runs, { rounds, onRun, told });
  requireLikeReplies(found.ballast[0], found.transformers[0]);
  return found;
}

function ballast(job: GenerateJob): Program {
  const permissions = ["--no-prompt", "--allow-read", "--allow-run=cat", "--allow-env"];
  return {
    name: "ballast",
    program: Deno.execPath(),
    args: [
      ...["run", ...permissions, "--allow-ffi", "bench/generate/ballast_worker.ts"],
      JSON.stringify(job),
    ],
    env: MALLOCS.one,
  };
}

function transformers(job: GenerateJob, python: string): Program {
  return {
    name: "transformers",
    program: python,
    args: [join("bench", "peers", "generate_worker.py"), JSON.stringify(job)],
  };
}

/**
 * Requires that every reply begins with the same token. Further on a random model's nearly equal
 * logits part ways by their last bits; `describe` tells how many tokens are equal.
 *
 * @throws ExpectedError naming the first reply that does not
 */
export function requireLikeReplies(ours: GenerateResult, theirs: GenerateResult): void {
  const row = ours.replies.findIndex(([token], i) => token !== theirs.replies[i][0]);
  if (row < 0) return;
  throw new ExpectedError(
    `Expected the same first token of reply ${row} but found ${
      ours.replies[row][0]
    } (ballast) and ` +
      `${theirs.replies[row][0]} (transformers).`,
  );
}

/** Figures of each system, then Ballast's speed divided by the peer's, round by round. */
export function describe({ ballast, transformers }: Found): string {
  const systems = [ballast, transformers];
  const speed = ({ seconds, replies }: Round) => replies.flat().length / spreadOf(seconds).median;
  const show = (value: (round: Round) => number, digits: number) =>
    systems.map((rounds) => showSpread(spreadOf(rounds.map(value)), digits));
  const ratios = ballast.map((round, i) => speed(round) / speed(transformers[i]));
  const theirs = transformers[0].replies.flat();
  const equal = ballast[0].replies.flat().filter((token, i) => token === theirs[i]).length;
  const table = alignColumns([
    ["", "ballast", "transformers", "ballast ÷ transformers"],
    ["tokens/s", ...show(speed, 1), showSpread(spreadOf(ratios), 2)],
    ["peak MB", ...show(({ peakBytes }) => peakBytes / 1e6, 0), ""],
    ["other cores", ...show(({ otherCores }) => otherCores, 2), ""],
  ]);
  return `${table}\n\n${equal} of ${theirs.length} tokens are equal.`;
}
