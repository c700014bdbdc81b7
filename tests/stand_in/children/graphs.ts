/** Holds every kind of graph to the real provider: opened and run, with all nodes on the GPU. */
import assert from "node:assert/strict";
import { generate } from "../../../eval/generate.ts";
import { openScorer, type ScorerOptions } from "../../../train/logps.ts";
import { openDecoder } from "../../../train/models/decoder.ts";
import type { LossOptions } from "../../../train/losses/losses.ts";
import { FAMILIES } from "../../../train/models/families.ts";
import type { Model } from "../../../train/models/model.ts";
import { newAdapter } from "../../../train/models/new_adapter.ts";
import type { Precision } from "../../../train/precision.ts";
import type { TrainOptions } from "../../../train/train_options.ts";
import { trainModel } from "../../../train/trainer.ts";
import { goldenModel, goldenPairs } from "../../train/golden.ts";
import { goldenRun } from "../../train/golden_run.ts";
import { counts, restart } from "./counts.ts";

const LOSS = { loss: "rpo", beta: 0.1, eta: 0.05, sft: "sum" } as const;
const SCHEDULE = { name: "constant", peak: 1e-3, steps: 2, warmupSteps: 0, minimum: 0 } as const;
const CUDA = { threads: 1, device: "cuda:0" } as const;
const PRECISIONS: readonly Precision[] = ["float32", "bfloat16", "float16"];

/** Several blocks of the longest prompts and replies, and four chunks of the vocabulary. */
const BLOCKS = { attentionBlock: 24 } as const;
const CHUNKS = { vocabularyChunk: 300 } as const;

const TRAININGS: Readonly<Record<string, Partial<TrainOptions>>> = {
  plain: {},
  gradientCheckpointing: { gradientCheckpointing: true },
  attentionBlock: BLOCKS,
  vocabularyChunk: CHUNKS,
  fusedAttention: { ...BLOCKS, fusedAttention: true },
  offloadMoments: { offloadMoments: true },
  "moments: bfloat16": { moments: "bfloat16" },
  "much at once": {
    ...BLOCKS,
    ...CHUNKS,
    gradientCheckpointing: true,
    moments: "bfloat16",
    offloadMoments: true,
    microBatchPairs: 1,
    gradientShareSteps: 1,
  },
};

const SCORINGS: Readonly<Record<string, Partial<ScorerOptions>>> = {
  plain: {},
  attentionBlock: BLOCKS,
  vocabularyChunk: CHUNKS,
  fusedAttention: { fusedAttention: true },
};

/** The other losses, of which each graph ends in other ops. */
const LOSSES: readonly LossOptions[] = [
  { loss: "dpo", beta: 0.1 },
  { loss: "ipo", beta: 0.1 },
  { loss: "hinge", beta: 0.1 },
  { loss: "rpo", beta: 0.1, eta: 0.05, sft: "sequence_mean" },
  { loss: "rpo", beta: 0.1, eta: 0.05, sft: "token_mean" },
  { loss: "sft", sft: "token_mean" },
];

/** What becomes of a model with these settings; throws what the runtime or the trainer says. */
type Use = (model: Model, precision: Precision) => Promise<void>;

/** Every use of a model, under a name. */
const USES: Readonly<Record<string, Use>> = {
  ...Object.fromEntries(
    Object.entries(TRAININGS).flatMap(([way, changes]) => [
      [`training, ${way}`, training(changes, false)],
      [`training of an adapter, ${way}`, training(changes, true)],
    ]),
  ),
  ...Object.fromEntries(
    Object.entries(SCORINGS).flatMap(([way, changes]) => [
      [`scoring, ${way}`, scoring(changes, false)],
      [`scoring with an adapter, ${way}`, scoring(changes, true)],
    ]),
  ),
  "decoding": decoding,
};

function training(changes: Partial<TrainOptions>, adapted: boolean): Use {
  return async (model, precision) => {
    const adapter = adapted ? adapterOf(model) : undefined;
    const options = { ...CUDA, schedule: SCHEDULE, precision, adapter, ...changes };
    const { steps } = await trainModel(goldenRun(model, LOSS, options));
    assert.equal(steps.length, SCHEDULE.steps);
  };
}

function scoring(changes: Partial<ScorerOptions>, adapted: boolean): Use {
  return async (model, precision) => {
    const adapter = adapted ? adapterOf(model) : undefined;
    const scorer = await openScorer({ ...model, adapter }, { ...CUDA, precision, ...changes });
    const scores = await scorer.scorePairs(goldenPairs()).finally(() => scorer.release());
    assert.equal(scores.length, goldenPairs().length);
  };
}

async function decoding(model: Model, precision: Precision): Promise<void> {
  const decoder = await openDecoder(model, { ...CUDA, precision });
  const prompts = goldenPairs().slice(0, 3).map(({ id, prompt }) => ({ id, tokens: prompt }));
  const request = { prompts, samples: 1, decoding: "greedy", stopTokens: [] } as const;
  await generate(decoder, { ...request, maxNewTokens: 3, batchSize: 2 })
    .finally(() => decoder.release());
}

function adapterOf({ config }: Model) {
  return newAdapter({ rank: 4, alpha: 8 }, { model: config, seed: 1 });
}

/** Uses a model in one way after the other; gives what was wrong. */
async function problemsOf(
  uses: Readonly<Record<string, Use>>,
  { model, precision }: { readonly model: Model; readonly precision: Precision },
): Promise<string[]> {
  const problems: string[] = [];
  for (const [name, use] of Object.entries(uses)) {
    restart();
    try {
      await use(model, precision);
      if (counts().launches === 0) problems.push(`${name}: no kernel was launched`);
    } catch (error) {
      problems.push(`${name}: ${(error as Error).message}`);
    }
  }
  return problems;
}

for (const family of FAMILIES) {
  for (const precision of PRECISIONS) {
    Deno.test(`every graph of ${family} in ${precision} runs on the provider`, async () => {
      const model = await goldenModel(family);
      assert.deepEqual(await problemsOf(USES, { model, precision }), []);
    });
  }
}

Deno.test("every loss runs on the provider", async () => {
  const uses = LOSSES.map((loss) => [JSON.stringify(loss), training({ loss }, false)] as const);
  const model = await goldenModel();
  assert.deepEqual(await problemsOf(Object.fromEntries(uses), { model, precision: "float32" }), []);
});
