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

/** ‖difference‖ ÷ ‖weight‖ of the weight in which two runs differ most. */
function furthest(found: Weights, expected: Weights): number {
  const norm = (data: Float32Array) => Math.hypot(...data);
  return Math.max(
    ...[...expected].map(([name, { data }]) => {
      const other = found.get(name)!.data;
      return norm(data.map((x, i) => x - other[i])) / norm(data);
    }),
  );
}

const trainedOf = ({ model, adapter }: TrainedModel) => (adapter ?? model).weights;

for (const family of FAMILIES) {
  Deno.test(`a ${family} model scores and trains with attention in blocks as with all of it at once`, async () => {
    const model = await goldenModel(family);
    const pairs = goldenPairs();
    for (const rests of [false, true]) {
      const logps = async (attentionBlock?: number) => {
        const scorer = await openScorer(model, { threads: 1, rests, attentionBlock });
        return await scorer.scorePairs(pairs).finally(() => scorer.release());
      };
      const [whole, blocks] = [await logps(), await logps(3)];
      blocks.forEach(({ chosenLogp, rejectedLogp }, i) => {
        assert(relativeError(chosenLogp, whole[i].chosenLogp) < 1e-6);
        assert(relativeError(rejectedLogp!, whole[i].rejectedLogp!) < 1e-6);
      });
    }
    const ways = [{}, { gradientCheckpointing: true }, {
      adapter: newAdapter({ rank: 2 }, { model: model.config, seed: 1 }),
    }];
    for (const way of ways) {
      const whole = await trainModel(goldenRun(model, LOSS, way));
      const blocks = await trainModel(goldenRun(model, LOSS, { ...way, attentionBlock: 3 }));
      let worst = [0, 0];
      blocks.steps.forEach(({ loss, gradNorm }, i) => {
        const { steps } = whole;
        worst = [
          Math.max(worst[0], relativeError(loss, steps[i].loss)),
          Math.max(worst[1], relativeError(gradNorm, steps[i].gradNorm)),
        ];
      });
      console.log(family, Object.keys(way), worst, furthest(trainedOf(blocks), trainedOf(whole)));
    }
  });
}
