import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import type { Graph } from "../../../train/graph/graph.ts";
import { TARGETS } from "../../../train/graph/target.ts";
import { lowerForSession, toOnnx } from "../../../train/graph/to_onnx.ts";
import type { Value } from "../../../train/graph/value.ts";
import { gradientGraph } from "../../../train/gradient_graph.ts";
import { logpsGraph } from "../../../train/logps_graph.ts";
import { openScorer } from "../../../train/logps.ts";
import { type AttentionBlocks, attentionBlocks } from "../../../train/models/attention_blocks.ts";
import { FAMILIES } from "../../../train/models/families.ts";
import type { Weights } from "../../../train/models/model.ts";
import { newAdapter } from "../../../train/models/new_adapter.ts";
import { loadLibrary } from "../../../train/runtime/onnxruntime_library.ts";
import { longestPairsPerRun } from "../../../train/pair_packs.ts";
import { attentionBlocksOf, type TrainOptions } from "../../../train/train_options.ts";
import { type TrainedModel, trainModel } from "../../../train/trainer.ts";
import { goldenModel, goldenPairs, relativeError } from "../golden.ts";
import { goldenRun } from "../golden_run.ts";
import { tinyModel, tinyRun } from "../tiny_run.ts";

const LOSS = { loss: "rpo", beta: 0.1, eta: 0.05, sft: "sum" } as const;

Deno.test("attentionBlocks() divides prompts and replies where a pair makes more scores than 64 MiB hold", () => {
  const config = { heads: 9 };
  assert.equal(attentionBlocks(config, { prompt: 384, reply: 384 }), undefined);
  const long = { prompt: 1024, reply: 600 };
  assert.deepEqual(attentionBlocks(config, long), { prompts: 2, replies: 2 });
  assert.equal(attentionBlocks(config, long, { target: "cuda" }), undefined);
  const longer = { prompt: 2048, reply: 1025 };
  const onGpu = attentionBlocks(config, longer, { target: "cuda" });
  assert.deepEqual(onGpu, { prompts: 4, replies: 2 });
  // A pair makes 9 · (600² + 2 · 600 · 1200) scores, of which a run on a processor may make 2²⁴.
  const middling = { prompt: 600, reply: 600 };
  assert.equal(attentionBlocks(config, middling), undefined);
  assert.deepEqual(attentionBlocks(config, middling, { pairs: 2 }), { prompts: 2, replies: 2 });
});

Deno.test("longestPairsPerRun() are what its tokens and pairs allow, and one where they allow less", () => {
  const longest = { prompt: 100, reply: 150 };
  assert.equal(longestPairsPerRun(longest, { tokens: 1000 }), 2.5);
  assert.equal(longestPairsPerRun(longest, { tokens: 1000, pairs: 2 }), 2);
  assert.equal(longestPairsPerRun(longest, { tokens: 100 }), 1);
});

Deno.test("training divides attention for what a run of the longest pairs makes", () => {
  const ids = new Int32Array(600);
  const blocks = (batchPairs: number, changes: Partial<TrainOptions> = {}) =>
    attentionBlocksOf(tinyRun({
      model: { ...tinyModel, config: { ...tinyModel.config, heads: 9 } },
      pairs: [{ id: "pair", prompt: ids, chosen: ids, rejected: ids }],
      batchPairs,
      ...changes,
    }));
  const divided = { prompts: 2, replies: 2 };
  assert.equal(blocks(1), undefined);
  assert.deepEqual(blocks(2), divided);
  assert.equal(blocks(2, { microBatchPairs: 1 }), undefined);
  assert.equal(blocks(2, { tokensPerRun: 1800 }), undefined);
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

/** With an epsilon of 1e-8 a step makes of a gradient that is rounding alone as much as of any other. */
const GENTLY = {
  schedule: FOUR_STEPS,
  adamw: { beta1: 0.9, beta2: 0.999, epsilon: 1e-4, weightDecay: 0 },
};

/** Three blocks of the longest prompts and six of the longest replies; of others they are smaller. */
const BLOCK = 24;

for (const family of FAMILIES) {
  Deno.test(`a ${family} model scores with attention in blocks as with all of it at once`, async () => {
    const model = await goldenModel(family);
    for (const rests of [false, true]) {
      const logps = async (attentionBlock?: number) => {
        const scorer = await openScorer(model, { threads: 1, rests, attentionBlock });
        return await scorer.scorePairs(goldenPairs()).finally(() => scorer.release());
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
      const run = (attentionBlock?: number) =>
        trainModel(goldenRun(model, LOSS, { ...way, ...GENTLY, attentionBlock }));
      const [whole, blocks] = [await run(), await run(BLOCK)];
      blocks.steps.forEach(({ loss, gradNorm }, i) => {
        const expected = whole.steps[i];
        assert(relativeError(loss, expected.loss) < 1e-6, `step ${i + 1}: ${loss}`);
        assert(relativeError(gradNorm, expected.gradNorm) < 1e-6, `step ${i + 1}: ${gradNorm}`);
      });
      const off = distance(trainedOf(blocks), trainedOf(whole));
      assert(off > 0, "blocks are computed otherwise");
      assert(off < 1e-6, `${Object.keys(way)}: ${off}`);
    }
  });
}

for (const [precision, bound] of [["bfloat16", 0.02], ["float16", 0.002]] as const) {
  Deno.test(`trainModel() with attention in blocks in ${precision} stays within the band of float32`, async () => {
    const model = await goldenModel();
    const of = async (changes: Parameters<typeof goldenRun>[2]) =>
      (await trainModel(goldenRun(model, LOSS, { ...changes, schedule: FOUR_STEPS }))).steps;
    const steps = await of({ precision, attentionBlock: BLOCK });
    (await of({})).forEach((row, i) => {
      assert(relativeError(steps[i].loss, row.loss) < bound, `step ${i + 1}: ${steps[i].loss}`);
      assert(relativeError(steps[i].gradNorm, row.gradNorm) < 5 * bound, `step ${i + 1}`);
    });
  });
}

const ADAPTER = newAdapter({ rank: 2 }, { model: tinyModel.config, seed: 1 }).config;
/** Queries and keys of grids, undivided. */
const UNDIVIDED = ["Tp", "Tr", "Tl", "3*Qp", "5*Qr", "5*Ql"];

for (const target of TARGETS) {
  for (const precision of ["float32", "bfloat16", "float16"] as const) {
    Deno.test(`graphs with attention in blocks for ${target} in ${precision} have kernels, and never all scores`, () => {
      const { config } = tinyModel;
      const graphsOf = (attentionBlocks?: AttentionBlocks) =>
        [false, true].flatMap((rests) => [
          ...[undefined, ADAPTER].flatMap((adapter) =>
            [false, true].map((gradientCheckpointing) =>
              gradientGraph({
                ...{ config, loss: LOSS, adapter, precision, gradientCheckpointing, rests },
                attentionBlocks,
              })
            )
          ),
          logpsGraph(config, undefined, { precision, rests, attentionBlocks }),
        ]);
      const isQuadratic = ({ dims }: Value) => {
        const [queries, keys] = dims.slice(-2).map(String);
        return UNDIVIDED.includes(queries) && [...UNDIVIDED, "U", "Ul"].includes(keys);
      };
      const holdsAll = (graph: Graph) =>
        [...graph.inputs.values()].some(isQuadratic) ||
        lowerForSession(graph, { target }).nodes.some(({ outputs }) => outputs.some(isQuadratic));
      for (const graph of graphsOf({ prompts: 3, replies: 5 })) {
        toOnnx(graph, { target }); // verifies that there are kernels
        assert(!holdsAll(graph));
      }
      assert(graphsOf().every(holdsAll));
    });
  }
}

/** Peak memory of a process that trains on a prompt and replies of so many tokens each, in bytes. */
async function peakMemory(tokens: number, attentionBlock: number): Promise<number> {
  const child = fileURLToPath(new URL("../attention_memory_child.ts", import.meta.url));
  const allow = ["--allow-read", "--allow-env", "--allow-run=cat", "--allow-ffi"];
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--no-prompt", "--frozen", "--no-check", ...allow, child],
      ...[String(tokens), String(attentionBlock)],
    ],
    stderr: "inherit",
  }).output();
  assert.equal(code, 0);
  return Number(new TextDecoder().decode(stdout));
}

Deno.test({
  name:
    "memory grows with the square of the tokens without blocks of attention, with them in proportion",
  // What it takes is read from Linux's /proc, and given back by glibc.
  ignore: Deno.build.os !== "linux" || "unavailable" in loadLibrary(),
  async fn() {
    const grown = async (attentionBlock: number) =>
      await peakMemory(2048, attentionBlock) - await peakMemory(1024, attentionBlock);
    const [whole, blocks] = [await grown(1e6), await grown(256)];
    // 1024 tokens more took 810 MB and 136 MB where this was written.
    assert(blocks < whole / 4, `${blocks} bytes more, ${whole} without blocks`);
  },
});
