/**
 * Measures what a pipeline costs beside its stages: Ballast, DVC and Snakemake on the same graph.
 *
 *     deno task bench overhead --help
 */
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { Command } from "@commander-js/extra-typings";
import { count } from "../../cli/options.ts";
import { printNotice, printResult } from "../../cli/output.ts";
import { PROJECT_FOLDER, userPath } from "../../cli/project.ts";
import { alignColumns } from "../../core/align_columns.ts";
import { InputError } from "../../core/problem.ts";
import { inTurns, type Observed } from "../in_turns.ts";
import { showSpread, spreadOf } from "../training/table.ts";
import { STAGES_A_PART } from "./dag.ts";
import { ballastSystem, dvcSystem, snakemakeSystem, type System } from "./systems.ts";

const SYSTEMS = { ballast: ballastSystem, dvc: dvcSystem, snakemake: snakemakeSystem };
type Name = keyof typeof SYSTEMS;

/** What each system took, in seconds, round by round. */
export type Found<Figures> = Readonly<Record<Name, readonly Observed<Figures>[]>>;

interface Builds {
  readonly build: number;
}

interface Rounds {
  readonly noOp: number;
  readonly plan: number;
  readonly change: number;
}

const TITLES = {
  noOp: "nothing to do, s",
  plan: "plan after a change, s",
  change: "one changed parameter, s",
  build: "all stages from empty, s",
} as const;

function parseOptions(args: readonly string[]) {
  return new Command("deno task bench overhead")
    .description("Measures what a pipeline costs beside its stages.")
    .option(
      "--programs <folder>",
      "folder with the programs dvc and snakemake",
      join(PROJECT_FOLDER, "bench", ".peers", "bin"),
    )
    .option("--stages <count>", `stages of the graph, ${STAGES_A_PART} a part`, count, 200)
    .option("--rounds <count>", "processes of each system and figure", count, 7)
    .option("--builds <count>", "times that all stages run from empty", count, 1)
    .option("--cores <count>", "stages at once", count, availableParallelism())
    .addHelpText("after", "\nbench/README.md says how to get the peers.")
    .parse([...args], { from: "user" }).opts();
}

/** Runs the command; returns its exit code. */
export async function benchOverhead(args: readonly string[]): Promise<number> {
  const { stages, rounds, builds, cores, programs: named } = parseOptions(args);
  const programs = userPath(named);
  requirePeers(programs);
  const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "ballast-bench-" }));
  try {
    const sitting = { folder, parts: Math.ceil(stages / STAGES_A_PART), programs, cores };
    const systems = systemsIn(sitting);
    const builtOnce = await measure(builds, async (name): Promise<Builds> => {
      await Deno.remove(join(folder, name), { recursive: true }).catch(() => {});
      await systems[name].prepare();
      return { build: await systems[name].build() };
    });
    const found = await measure(rounds, async (name, round): Promise<Rounds> => ({
      noOp: await systems[name].noOp(),
      // Makes the change, and the run after it runs what the plan told of.
      plan: await systems[name].plan(round),
      change: await systems[name].change(round),
    }));
    printResult(describe(builtOnce, found));
    return 0;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

type Sitting = Parameters<(typeof SYSTEMS)[Name]>[0];

function systemsIn(sitting: Sitting): Record<Name, System> {
  return {
    ballast: ballastSystem(sitting),
    dvc: dvcSystem(sitting),
    snakemake: snakemakeSystem(sitting),
  };
}

async function measure<Figures extends object>(
  rounds: number,
  take: (name: Name, round: number) => Promise<Figures>,
): Promise<Found<Figures>> {
  const run = (name: Name) => (round: number) => take(name, round);
  return await inTurns<Name, Figures>(
    { ballast: run("ballast"), dvc: run("dvc"), snakemake: run("snakemake") },
    {
      rounds,
      onRun: printNotice,
      told: (figures) =>
        Object.entries(figures).map(([name, value]) => `${name} ${value.toFixed(2)} s`).join(", "),
    },
  );
}

/** Seconds of each system, the peers' divided by Ballast's within a round, and the load of others. */
export function describe(builds: Found<Builds>, rounds: Found<Rounds>): string {
  const rows = [
    row("noOp", rounds),
    row("plan", rounds),
    row("change", rounds),
    row("build", builds),
  ];
  const head = ["", ...Object.keys(SYSTEMS), "dvc ÷ ballast", "snakemake ÷ ballast", "other cores"];
  return alignColumns([head, ...rows]);
}

function row<Figure extends keyof typeof TITLES>(
  figure: Figure,
  { ballast, dvc, snakemake }: Found<Readonly<Record<Figure, number>>>,
): string[] {
  const systems = [ballast, dvc, snakemake];
  const seconds = systems.map((rounds) =>
    showSpread(spreadOf(rounds.map((round) => round[figure])), 2)
  );
  const ratios = [dvc, snakemake].map((peer) =>
    showSpread(spreadOf(ballast.map((round, i) => peer[i][figure] / round[figure])), 2)
  );
  const others = systems.flat().map(({ otherCores }) => otherCores);
  return [TITLES[figure], ...seconds, ...ratios, showSpread(spreadOf(others), 2)];
}

function requirePeers(programs: string): void {
  for (const name of ["dvc", "snakemake"]) {
    const path = join(programs, name);
    try {
      if (Deno.statSync(path).isFile) continue;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    const message =
      `Expected the program ${name} but found none; bench/README.md says how to get it.`;
    throw new InputError([{ path, message }]);
  }
}
