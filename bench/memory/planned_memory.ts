import type { MemoryPart, Sizes } from "../../pipeline/prediction.ts";
import { stages } from "../../stages/registry.ts";
import type { PairLengths } from "../../train/costs/foreseen_run.ts";
import { modelSizes } from "../../train/costs/model_sizes.ts";
import type { ModelConfig } from "../../train/models/config.ts";
import { RPO } from "../training/job.ts";
import { type MemoryCase, pairLengths, STEPS } from "./memory_case.ts";

/** What `plan` says of a stage that trains or scores as the case says: the stage's own prediction. */
export async function plannedMemory(
  one: MemoryCase,
  config: ModelConfig,
): Promise<readonly MemoryPart[]> {
  const stage = stages.get(one.what === "train" ? "train" : "logps")!;
  const { threads, batchPairs } = one;
  const params = one.what === "score" ? { threads } : {
    ...{ loss: "rpo", beta: RPO.beta, eta: RPO.eta, sft: "sum", learningRate: RPO.lr },
    ...{ schedule: "constant", steps: STEPS, order: "sequential", seed: 0 },
    ...{ batchPairs, threads },
    lora: one.rank === undefined ? undefined : { rank: one.rank },
    gradientCheckpointing: one.gradientCheckpointing ?? false,
  };
  const { memory } = await stage.predict!({
    params: stage.params.parse(params),
    inputs: { model: [modelSizes(config)], tokens: [sizesOf(pairLengths(one))], reference: [{}] },
    last: {},
    isDone: false,
  });
  return memory!;
}

/** What the size of such tokens is told by, as their database would tell it. */
export function sizesOf(pairs: readonly PairLengths[]): Sizes {
  const rows = pairs.map(({ prompt: p, chosen: c, rejected }) => ({ p, c, r: rejected ?? 0 }));
  type Row = (typeof rows)[number];
  const mean = (of: (row: Row) => number) =>
    rows.reduce((sum, row) => sum + of(row), 0) / rows.length;
  const most = (of: (row: Row) => number) => Math.max(...rows.map(of));
  const longestPair = most(({ p, c, r }) => p + c + r);
  return {
    pairs: rows.length,
    promptTokens: mean(({ p }) => p),
    chosenTokens: mean(({ c }) => c),
    rejectedTokens: mean(({ r }) => r),
    promptCells: mean(({ p }) => p * p),
    chosenCells: mean(({ p, c }) => c * (p + c)),
    rejectedCells: mean(({ p, r }) => r * (p + r)),
    longestPair,
    longestReplies: most(({ c, r }) => c + r),
    longestSequence: most(({ p, c, r }) => p + Math.max(c, r)),
    longestPrompt: most(({ p }) => p),
    longestChosen: most(({ c }) => c),
    longestRejected: most(({ r }) => r),
    longPairs: rows.filter(({ p, c, r }) => p + c + r >= 0.9 * longestPair).length,
  };
}
