import { newAdapter } from "../../../train/models/new_adapter.ts";
import type { TrainOptions } from "../../../train/train_options.ts";
import { goldenModel } from "../golden.ts";
import { goldenRun } from "../golden_run.ts";
import { tinyModel, tinyRun } from "../tiny_run.ts";

const RPO = { loss: "rpo", beta: 0.1, eta: 0.05, sft: "sum" } as const;

/** Runs that several processes take together, by what they are of. */
export const TOGETHER: Readonly<Record<string, () => Promise<TrainOptions>>> = {
  "all weights of a tiny model": () => Promise.resolve(tinyRun({ batchPairs: 5 })),
  "an adapter to a tiny model": () =>
    Promise.resolve(tinyRun({
      batchPairs: 5,
      threads: 2,
      adapter: newAdapter({ rank: 2 }, { model: tinyModel.config, seed: 4 }),
    })),
  "all weights of a golden model": async () => goldenRun(await goldenModel(), RPO),
  "an adapter to a golden model": async () => {
    const model = await goldenModel();
    const adapter = newAdapter({ rank: 4 }, { model: model.config, seed: 4 });
    return goldenRun(model, RPO, { adapter });
  },
};
