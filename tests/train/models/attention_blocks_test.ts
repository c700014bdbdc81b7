import assert from "node:assert/strict";
import type { Graph } from "../../../train/graph/graph.ts";
import { TARGETS } from "../../../train/graph/target.ts";
import { lowerForSession, toOnnx } from "../../../train/graph/to_onnx.ts";
import type { Value } from "../../../train/graph/value.ts";
import { gradientGraph } from "../../../train/gradient_graph.ts";
import { logpsGraph } from "../../../train/logps_graph.ts";
import { openScorer } from "../../../train/logps.ts";
import { attentionBlocks } from "../../../train/models/attention_blocks.ts";
import { FAMILIES } from "../../../train/models/families.ts";
import type { Weights } from "../../../train/models/model.ts";
import { newAdapter } from "../../../train/models/new_adapter.ts";
import { type TrainedModel, trainModel } from "../../../train/trainer.ts";
import { goldenModel, goldenPairs, relativeError } from "../golden.ts";
import { goldenRun } from "../golden_run.ts";
import { tinyModel } from "../tiny_run.ts";

const LOSS = { loss: "rpo", beta: 0.1, eta: 0.05, sft: "sum" } as const;

Deno.test("attentionBlocks() divides prompts and replies where a pair makes more scores than 64 MiB hold", () => {
  const config = { heads: 9 };
  assert.equal(attentionBlocks(config, { prompt: 384, reply: 384 }), undefined);
  const long = { prompt: 1024, reply: 600 };
  assert.deepEqual(attentionBlocks(config, long), { prompts: 4, replies: 3 });
  assert.equal(attentionBlocks(config, long, { target: "cuda" }), undefined);
  const longer = { prompt: 2048, reply: 1025 };
  const onGpu = attentionBlocks(config, longer, { target: "cuda" });
  assert.deepEqual(onGpu, { prompts: 4, replies: 2 });
});

Deno.test("attentionBlocks() takes the size asked for; one block is none", () => {
  const config = { heads: 2 };
  const longest = { prompt: 10, reply: 7 };
  const of = (block: number) => attentionBlocks(config, longest, { block });
  assert.deepEqual(of(4), { prompts: 3, replies: 2 });
  // The last token of a reply is not read.
  assert.deepEqual(of(6), { prompts: 2, replies: 1 });
  assert.equal(of(10), undefined);
});

/** ‖difference‖ ÷ ‖weights‖ of two runs. */
function distance(found: Weights, expected: Weights): number {
  let [differences, squares] = [0, 0];
  for (const [name, { data }] of expected) {
    const other = found.get(name)!.data;
    data.forEach((x, i) => {
      differences += (x - other[i]) ** 2;
      squares += x ** 2;
    });
  }
  return Math.sqrt(differences / squares);
}

const trainedOf = ({ model, adapter }: TrainedModel) => (adapter ?? model).weights;

const FOUR_STEPS = { name: "constant", peak: 1e-3, steps: 4, warmupSteps: 0, minimum: 0 } as const;

/** Six blocks of the longest prompts and replies, so that the last are partly empty of shorter ones. */
const BLOCK = 8;

for (const family of FAMILIES) {
  Deno.test(`a ${family} model scores with attention in blocks as with all of it at once`, async () => {
    const model = await goldenModel(family);
    const pairs = goldenPairs();
    console.log(Math.max(...pairs.map((x) => x.prompt.length)), Math.max(...pairs.map((x) => x.chosen.length)));
    for (const rests of [false, true]) {
      const logps = async (attentionBlock?: number) => {
        const scorer = await openScorer(model, { threads: 1, rests, attentionBlock });
        return await scorer.scorePairs(pairs).finally(() => scorer.release());
      };
      const [whole, blocks] = [await logps(), await logps(BLOCK)];
      blocks.forEach(({ chosenLogp, rejectedLogp }, i) => {
        assert(relativeError(chosenLogp, whole[i].chosenLogp) < 1e-6);
        assert(relativeError(rejectedLogp!, whole[i].rejectedLogp!) < 1e-6);
      });
    }
  });

  Deno.test(`a ${family} model trains with attention in blocks as with all of it at once`, async () => {
    const model = await goldenModel(family);
    const ways = [{}, { gradientCheckpointing: true }, {
      adapter: newAdapter({ rank: 2 }, { model: model.config, seed: 1 }),
    }];
    for (const way of ways) {
      const options = { ...way, schedule: FOUR_STEPS };
      const whole = await trainModel(goldenRun(model, LOSS, options));
      const blocks = await trainModel(goldenRun(model, LOSS, { ...options, attentionBlock: BLOCK }));
      blocks.steps.forEach(({ loss, gradNorm }, i) => {
        console.log(family, Object.keys(way), i, relativeError(loss, whole.steps[i].loss), relativeError(gradNorm, whole.steps[i].gradNorm));
      });
      console.log(distance(trainedOf(blocks), trainedOf(whole)));
    }
  });
}
