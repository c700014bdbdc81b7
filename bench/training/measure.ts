import { runSystem, type Surroundings, type SystemRun } from "./run_system.ts";
import type { System } from "./systems.ts";
import type { Workload } from "./workload.ts";

/** One process's figures. */
export interface Figures {
  readonly pairsPerSecond: number;
  /** Prompt and reply tokens, the prompt of a pair counted with each reply. */
  readonly tokensPerSecond: number;
  readonly peakBytes: number;
  /** From the start of the process to the end of its first step. */
  readonly secondsToFirstStep: number;
}

/** The figures of a round, and what went on beside it. */
export interface Round extends Figures {
  /** Cores that were busy with other work on average. */
  readonly otherCores: number;
}

/** A system with its figures, one a round. */
export interface Measured {
  readonly system: { readonly name: string; readonly what: string };
  readonly rounds: readonly Round[];
}

/** How rounds are watched. */
export interface Watch {
  /** Told before each run, and with its figures after it. */
  onRun(name: string, round: number, figures?: Round): void;
  othersDuring<T>(run: () => Promise<T>): Promise<{ result: T; otherCores: number }>;
}

/** Something that can be measured again and again: a system on a workload, or the prototype. */
export interface Contender {
  readonly system: Measured["system"] & Partial<System>;
  run(): Promise<Figures>;
}

/** A system on a workload as a contender. */
export function contender(
  system: System,
  workload: Workload,
  surroundings: Surroundings,
): Contender {
  const run = async () => figuresOf(await runSystem(system, workload, surroundings), workload);
  return { system, run };
}

/** What a run's times say: the warm-up ends when its last step does. */
function figuresOf({ stepEnds, startedAt, peakBytes }: SystemRun, workload: Workload): Figures {
  const { warmupSteps, batchPairs, steps } = workload.sizes;
  const seconds = (stepEnds[warmupSteps + steps - 1] - stepEnds[warmupSteps - 1]) / 1000;
  return {
    pairsPerSecond: steps * batchPairs / seconds,
    tokensPerSecond: workload.tokens / seconds,
    peakBytes,
    secondsToFirstStep: (stepEnds[0] - startedAt) / 1000,
  };
}

/**
 * Measures in rounds: each contender once a round, one after the other, and each round begins with
 * the next one, so that a slow hour or a warm cache meets all of them alike.
 */
export async function measureInRounds(
  contenders: readonly Contender[],
  rounds: number,
  { onRun, othersDuring }: Watch,
): Promise<Measured[]> {
  const figures = contenders.map((): Round[] => []);
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < contenders.length; i++) {
      const turn = (i + round) % contenders.length;
      const { system, run } = contenders[turn];
      onRun(system.name, round + 1);
      const { result, otherCores } = await othersDuring(run);
      const found = { ...result, otherCores };
      figures[turn].push(found);
      onRun(system.name, round + 1, found);
    }
  }
  return contenders.map(({ system }, i) => ({ system, rounds: figures[i] }));
}
