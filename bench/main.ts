/**
 * Measures what the README states: milliseconds of a training step at the tiny recipe's shape, and
 * seconds of a run that has nothing to do. Medians with minimum and maximum; no test depends on them.
 *
 *     deno task bench            # both
 *     deno task bench step       # one of step, no-op
 *     deno task bench training   # against PyTorch and TRL; see bench/README.md
 *     deno task bench tokenize   # against datasets.map; see there too
 *     deno task bench alpaca-eval  # against the alpaca_eval package
 *     deno task bench generate   # against transformers
 *     deno task bench overhead   # against DVC and Snakemake
 *     deno task bench mpi        # training in 1, 2 and 4 processes
 *     deno task bench large-store  # on a store of 100,000 artifacts
 *     deno task bench memory     # what plan foresees against what processes take
 */
import { ExpectedError, InputError } from "../core/problem.ts";
import { printNotice, printResult } from "../cli/output.ts";
import { benchAlpacaEval } from "./alpaca_eval/command.ts";
import { benchGenerate } from "./generate/command.ts";
import { benchLargeStore } from "./large_store/command.ts";
import { benchMpi } from "./mpi/command.ts";
import { measureNoOp } from "./no_op.ts";
import { benchMemory } from "./memory/command.ts";
import { benchOverhead } from "./overhead/command.ts";
import { benchTokenize } from "./tokenize/command.ts";
import { benchTraining } from "./training/command.ts";
import { measureStep } from "./training_step.ts";

/** Values of repeated measurements. */
export interface Measurement {
  readonly what: string;
  readonly unit: string;
  readonly values: readonly number[];
}

/** Benches that are commands of their own, with options. */
const COMMANDS: Readonly<Record<string, (args: readonly string[]) => Promise<number>>> = {
  "alpaca-eval": benchAlpacaEval,
  generate: benchGenerate,
  "large-store": benchLargeStore,
  memory: benchMemory,
  mpi: benchMpi,
  overhead: benchOverhead,
  tokenize: benchTokenize,
  training: benchTraining,
};

const BENCHES: Readonly<Record<string, () => Promise<Measurement[]>>> = {
  step: measureStep,
  "no-op": measureNoOp,
};

function row({ what, unit, values }: Measurement): string {
  const sorted = values.toSorted((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)];
  const [low, high] = [sorted[0], sorted[sorted.length - 1]].map((value) => value.toPrecision(3));
  return `${what}: ${median.toPrecision(3)} ${unit} (${low} … ${high}, ${values.length} times)`;
}

/** Measures the benches named, or all of them. */
async function runBenches(args: readonly string[]): Promise<void> {
  const names = args.length > 0 ? args : Object.keys(BENCHES);
  for (const name of names) {
    if (BENCHES[name] === undefined) {
      const known = [...Object.keys(BENCHES), ...Object.keys(COMMANDS)].join(", ");
      throw new InputError([{ path: name, message: `There is no such bench; expected ${known}.` }]);
    }
    printNotice(`${name} …`);
    for (const measurement of await BENCHES[name]()) printResult(row(measurement));
  }
}

try {
  const [name, ...rest] = Deno.args;
  if (Object.hasOwn(COMMANDS, name)) Deno.exit(await COMMANDS[name](rest));
  await runBenches(Deno.args);
} catch (error) {
  if (!(error instanceof InputError || error instanceof ExpectedError)) throw error;
  printNotice(error.message);
  Deno.exit(1);
}
