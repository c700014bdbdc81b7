import { join } from "node:path";
import { PROJECT_FOLDER } from "../../cli/project.ts";
import { alignColumns } from "../../core/align_columns.ts";
import { ExpectedError } from "../../core/problem.ts";
import { inTurns, type Observed } from "../in_turns.ts";
import { lastLine, runProgram } from "../run_program.ts";
import { showSpread, spreadOf } from "../training/table.ts";
import type { ScoreJob, ScoreResult } from "./job.ts";

/** A run's figures, with what they took. */
export type Round = Observed<Scored>;

interface Scored extends ScoreResult {
  /** From the start of a process that prints the figures to its end. */
  readonly processSeconds: number;
}

/** Both systems' runs, round by round. */
export interface Found {
  readonly ballast: readonly Round[];
  readonly alpacaEval: readonly Round[];
}

/** Points by which length-controlled win rates may differ: liblinear stops before the optimum. */
const TOLERANCE = 0.05;

/** Scores a file by both systems in turn, who begins alternating from round to round. */
export async function compareScores(
  job: ScoreJob,
  { python, rounds, onRun }: {
    readonly python: string;
    readonly rounds: number;
    readonly onRun: (told: string) => void;
  },
): Promise<Found> {
  const runs = { ballast: () => runBallast(job), alpacaEval: () => runAlpacaEval(job, python) };
  const told = ({ processSeconds, scoreSeconds }: Scored) =>
    `${processSeconds.toFixed(2)} s; rows to figures ` +
    `${scoreSeconds.map((each) => each.toFixed(3)).join(", ")} s`;
  const found = await inTurns(runs, { rounds, onRun, told });
  requireEqualFigures(found.ballast[0], found.alpacaEval[0]);
  return found;
}

/** The command that a user calls, for the time of its process; then the same, timed inside. */
async function runBallast(job: ScoreJob): Promise<Scored> {
  const { tasks } = JSON.parse(await Deno.readTextFile(join(PROJECT_FOLDER, "deno.json")));
  const [, ...words] = (tasks.ballast.command as string).split(" ");
  const files = [job.annotations, "--difficulty", job.difficulty, "--gamed", job.gamed];
  const args = [...words, "score", "alpaca-eval", ...files, "--json"];
  const program = Deno.execPath();
  const { seconds } = await runProgram({ name: "ballast score", program, args });
  const worker = ["run", "--no-prompt", "--allow-read", "bench/alpaca_eval/ballast_worker.ts"];
  const inside = { name: "ballast", program, args: [...worker, JSON.stringify(job)] };
  const { stdout } = await runProgram(inside);
  return { ...lastLine<ScoreResult>(stdout), processSeconds: seconds };
}

async function runAlpacaEval(job: ScoreJob, python: string): Promise<Scored> {
  const call = (asked: ScoreJob) =>
    runProgram({
      name: "alpaca_eval",
      program: python,
      args: [join("bench", "peers", "alpaca_eval_worker.py"), JSON.stringify(asked)],
    });
  const { seconds } = await call({ ...job, times: 1 });
  const { stdout } = await call(job);
  return { ...lastLine<ScoreResult>(stdout), processSeconds: seconds };
}

/**
 * Requires that both systems found the same.
 *
 * @throws ExpectedError naming the figure and both values
 */
export function requireEqualFigures(ours: ScoreResult, theirs: ScoreResult): void {
  const tolerances = { winRate: 1e-6, standardError: 1e-6, lengthControlledWinRate: TOLERANCE };
  for (const [name, tolerance] of Object.entries(tolerances)) {
    const [own, other] = [ours, theirs].map((each) => each[name as keyof typeof tolerances]);
    if (Math.abs(own - other) <= tolerance) continue;
    throw new ExpectedError(
      `Expected the same ${name} of both systems within ${tolerance} but found ${own} (ballast) ` +
        `and ${other} (alpaca_eval).`,
    );
  }
}

/** Seconds of both systems, then alpaca_eval's divided by Ballast's, round by round. */
export function describe({ ballast, alpacaEval }: Found): string {
  const row = (title: string, value: (round: Round) => number) => [
    title,
    ...[ballast, alpacaEval].map((rounds) => showSpread(spreadOf(rounds.map(value)), 3)),
    showSpread(spreadOf(ballast.map((round, i) => value(alpacaEval[i]) / value(round))), 1),
  ];
  const load = [ballast, alpacaEval].map((rounds) =>
    showSpread(spreadOf(rounds.map(({ otherCores }) => otherCores)), 2)
  );
  return alignColumns([
    ["", "ballast", "alpaca_eval", "alpaca_eval ÷ ballast"],
    row("process, s", ({ processSeconds }) => processSeconds),
    row("rows to figures, first time, s", ({ scoreSeconds }) => scoreSeconds[0]),
    row(
      "rows to figures, from then on, s",
      ({ scoreSeconds }) => spreadOf(scoreSeconds.slice(1)).median,
    ),
    ["other cores", ...load, ""],
  ]);
}
