import assert from "node:assert/strict";
import type { Family } from "../../train/models/families.ts";
import type { Model } from "../../train/models/model.ts";
import type { TrainOptions } from "../../train/train_options.ts";
import { type TrainedModel, trainModel } from "../../train/trainer.ts";
import { goldenModel, relativeError } from "./golden.ts";
import { goldenRun } from "./golden_run.ts";

/** Of a batch of four pairs of about 200 tokens each. */
const DIVISIONS: Readonly<Record<string, Partial<TrainOptions>>> = {
  "pair by pair": { microBatchPairs: 1 },
  "in three pairs and one": { microBatchPairs: 3 },
  "in runs of at most 500 tokens": { tokensPerRun: 500 },
};

/**
 * Two steps, so that what was gathered has to be forgotten once, with a loss that is normalised over
 * the whole batch.
 */
function train(model: Model, changes: Partial<TrainOptions>): Promise<TrainedModel> {
  const loss = { loss: "rpo", beta: 0.1, eta: 1, sft: "token_mean" } as const;
  // Steps wide enough for rounding of the weights themselves to be small beside them.
  const schedule = { name: "constant", peak: 0.05, steps: 2, warmupSteps: 0, minimum: 0 } as const;
  // Under the usual 1e-8 AdamW moves a weight by the whole learning rate, whichever way rounding
  // makes a gradient of almost 0 point: then the update says nothing of how near two gradients are.
  const adamw = { beta1: 0.9, beta2: 0.999, epsilon: 0.01, weightDecay: 0.01 };
  return trainModel(goldenRun(model, loss, { schedule, adamw, ...changes }));
}

/** ‖a − b‖ of one weight. */
function distance(name: string, a: Model, b: Model): number {
  const other = b.weights.get(name)!.data;
  const squares = a.weights.get(name)!.data.reduce((sum, x, i) => sum + (x - other[i]) ** 2, 0);
  return Math.sqrt(squares);
}

function compare(parts: TrainedModel, whole: TrainedModel, start: Model): void {
  whole.steps.forEach((step, i) => {
    for (const key of ["loss", "dpoLoss", "sftLoss", "gradNorm"] as const) {
      const found = parts.steps[i][key];
      assert(relativeError(found, step[key]) <= 1e-5, `step ${i + 1}: ${key} ${found}`);
    }
  });
  let apart = 0;
  for (const name of start.weights.keys()) {
    const difference = distance(name, parts.model, whole.model);
    const error = difference / distance(name, whole.model, start);
    assert(error <= 1e-5, `${name}: ${error} of how far it moved`);
    apart += difference;
  }
  assert(apart > 0, "sums in another order end in other bits: the batch was not divided");
}

for (const [family, tied] of [["llama", true], ["mistral", false]] as [Family, boolean][]) {
  const what = tied ? "tied embeddings" : "a head of its own";
  Deno.test(`a batch in parts moves every weight of a ${family} with ${what} as the whole does`, async (t) => {
    const model = await goldenModel(family);
    assert.equal(model.config.tiedEmbeddings, tied);
    const whole = await train(model, { tokensPerRun: 10_000 });
    for (const [how, division] of Object.entries(DIVISIONS)) {
      await t.step(how, async () => compare(await train(model, division), whole, model));
    }
  });
}
