import { othersDuring } from "./training/others_load.ts";

/** What a run gave, and how many cores other processes kept busy meanwhile. */
export type Observed<Result> = Result & { readonly otherCores: number };

/**
 * Runs systems in turn, who begins alternating from round to round.
 *
 * @param told words a run's figures
 * @returns each system's runs, round by round
 */
export async function inTurns<Name extends string, Result extends object>(
  runs: Readonly<Record<Name, (round: number) => Promise<Result>>>,
  { rounds, onRun, told }: {
    readonly rounds: number;
    readonly onRun: (told: string) => void;
    readonly told: (result: Result) => string;
  },
): Promise<Record<Name, Observed<Result>[]>> {
  const names = Object.keys(runs) as Name[];
  const found = Object.fromEntries(names.map((name) => [name, [] as Observed<Result>[]]));
  for (let round = 0; round < rounds; round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const { result, otherCores } = await othersDuring(() => runs[name](round));
      found[name].push({ ...result, otherCores });
      onRun(
        `round ${round + 1}: ${name}: ${told(result)}, ${otherCores.toFixed(2)} other cores`,
      );
    }
  }
  return found as Record<Name, Observed<Result>[]>;
}
