import type { TokenizedPair } from "../../data/pair.ts";
import type { PairScore } from "../../train/logps.ts";
import type { TrainOptions } from "../../train/train_options.ts";
import type { BenchPair } from "./bench_pairs.ts";
import { type Job, RPO } from "./job.ts";

/** What is alike of all training that is measured, as options of `trainModel`: no checkpoints, no snapshots. */
export function rpoOptions(
  steps: number,
  { beta, eta, lr, maxGradNorm }: Pick<Job, keyof typeof RPO> = RPO,
) {
  return {
    takesOverModel: true,
    loss: { loss: "rpo", beta, eta, sft: "sum" },
    schedule: { name: "constant", peak: lr, steps, warmupSteps: 0, minimum: 0 },
    adamw: { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 },
    order: "sequential",
    seed: 0,
    maxGradNorm,
  } as const satisfies Partial<TrainOptions>;
}

/** Pairs as `trainModel` takes them, with the reference's log-probs that they come with. */
export function trainingPairs(
  rows: readonly BenchPair[],
): { readonly pairs: TokenizedPair[]; readonly reference: PairScore[] } {
  const pairs = rows.map(({ prompt, chosen, rejected }, i) => ({
    id: String(i),
    prompt: Int32Array.from(prompt),
    chosen: Int32Array.from(chosen),
    rejected: Int32Array.from(rejected),
  }));
  const reference = pairs.map((pair, i) => {
    const [chosenLogp, rejectedLogp] = rows[i].reference;
    return { ...scoreOf(pair, 0), chosenLogp, rejectedLogp };
  });
  return { pairs, reference };
}

/** A reference's log-probs of a pair, were each token as likely. */
export function scoreOf({ id, chosen, rejected }: TokenizedPair, perToken: number): PairScore {
  return {
    id,
    chosenLogp: perToken * chosen.length,
    rejectedLogp: rejected === null ? null : perToken * rejected.length,
    chosenTokens: chosen.length,
    rejectedTokens: rejected === null ? null : rejected.length,
  };
}
