/**
 * Measures what the README states: milliseconds of a training step at the tiny recipe's shape, and
 * seconds of a run that has nothing to do. Medians with minimum and maximum; no test depends on them.
 *
 *     deno task bench            # both
 *     deno task bench step       # one of step, no-op
 */
import { InputError } from "../core/problem.ts";
import { printNotice, printResult } from "../cli/output.ts";
import { measureNoOp } from "./no_op.ts";
import { measureStep } from "./training_step.ts";

/** Values of repeated measurements. */
export interface Measurement {
  readonly what: string;
  readonly unit: string;
  readonly values: readonly number[];
}

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

const names = Deno.args.length > 0 ? Deno.args : Object.keys(BENCHES);
for (const name of names) {
  if (BENCHES[name] === undefined) {
    const known = Object.keys(BENCHES).join(", ");
    throw new InputError([{ path: name, message: `There is no such bench; expected ${known}.` }]);
  }
  printNotice(`${name} …`);
  for (const measurement of await BENCHES[name]()) printResult(row(measurement));
}
