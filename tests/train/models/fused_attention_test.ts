import assert from "node:assert/strict";
import { float32, type Tensor } from "../../../core/tensor.ts";
import type { Graph } from "../../../train/graph/graph.ts";
import type { Target } from "../../../train/graph/target.ts";
import type { ValueType } from "../../../train/graph/value.ts";
import { lowerForSession, toOnnx } from "../../../train/graph/to_onnx.ts";
import { gradientGraph } from "../../../train/gradient_graph.ts";
import { logpsGraph } from "../../../train/logps_graph.ts";
import { openScorer, type ScorerOptions } from "../../../train/logps.ts";
import { type AttentionBlocks, attentionBlocks } from "../../../train/models/attention_blocks.ts";
import { initializeModel, type Model } from "../../../train/models/model.ts";
import { pairFeeds } from "../../../train/pair_packs.ts";
import { FAMILIES } from "../../../train/models/families.ts";
import { newAdapter } from "../../../train/models/new_adapter.ts";
import { RotaryAngles } from "../../../train/models/rotary_angles.ts";
import { layOut } from "../../../train/packs.ts";
import { openRuntime } from "../../../train/runtime/open_runtime.ts";
import { attentionBlocksOf } from "../../../train/train_options.ts";
import { trainModel } from "../../../train/trainer.ts";
import { goldenModel, goldenPairs, relativeError } from "../golden.ts";
import { goldenRun } from "../golden_run.ts";
import { tinyModel, tinyPairs } from "../tiny_run.ts";

const LOSS = { loss: "rpo", beta: 0.1, eta: 0.05, sft: "sum" } as const;
const IN_ONE = { prompts: 1, replies: 1, fused: true } as const;
const IN_BLOCKS = { prompts: 3, replies: 5, fused: true } as const;

Deno.test("attentionBlocks() of fused attention are one where its gradient needs no more", () => {
  const config = { heads: 9 };
  const fused = true;
  assert.deepEqual(attentionBlocks(config, { prompt: 384, reply: 384 }, { fused }), IN_ONE);
  const long = { prompt: 1024, reply: 600 };
  assert.deepEqual(attentionBlocks(config, long, { fused }), { prompts: 2, replies: 2, fused });
  assert.deepEqual(attentionBlocks(config, long, { fused, block: Infinity }), IN_ONE);
});

Deno.test("layOut() for fused attention gives each grid a multiple of four keys, the last of which no token sees", () => {
  const { config } = tinyModel;
  const ids = (size: number) => new Int32Array(size).fill(1);
  for (const rests of [false, true]) {
    const groups = [{ prompt: ids(5), replies: [ids(4), ids(9)] }, {
      prompt: ids(2),
      replies: [ids(3)],
    }];
    const layout = { config, angles: new RotaryAngles(config), rests };
    const { promptKeys, replyKeys, restKeys, ...pack } = layOut(groups, {
      ...layout,
      blocks: IN_BLOCKS,
    });
    for (const { dims } of [promptKeys, replyKeys, ...restKeys ? [restKeys] : []]) {
      assert.equal(dims[2] % 4, 0);
    }
    const pad = pack.ids.dims[0] - 1;
    const last = Number(replyKeys.data.at(-1));
    assert.equal(Math.floor(last / config.keyValueHeads), pad);
    assert(pack.replyKeyOrder.data.at(-1)! > pack.replyOrder.data.at(-1)!);
    assert.equal(layOut(groups, layout).promptKeys.dims[2], 5, "what is not fused keeps its sizes");
  }
});

for (const family of FAMILIES) {
  Deno.test(`a ${family} model scores with fused attention as with plain ops`, async () => {
    const model = await goldenModel(family);
    for (const rests of [false, true]) {
      const logps = async (options: Partial<ScorerOptions>) => {
        const scorer = await openScorer(model, { threads: 1, rests, ...options });
        return await scorer.scorePairs(goldenPairs()).finally(() => scorer.release());
      };
      const [plain, fused] = [await logps({}), await logps({ fusedAttention: true })];
      fused.forEach(({ chosenLogp, rejectedLogp }, i) => {
        assert(relativeError(chosenLogp, plain[i].chosenLogp) < 1e-6);
        assert(relativeError(rejectedLogp!, plain[i].rejectedLogp!) < 1e-6);
      });
    }
  });

  Deno.test(`twelve steps of ${family} with fused attention follow those of plain ops`, async () => {
    const model = await goldenModel(family);
    const ways = [{}, { gradientCheckpointing: true, attentionBlock: 24 }, {
      adapter: newAdapter({ rank: 2 }, { model: model.config, seed: 1 }),
    }];
    for (const way of ways) {
      const run = (fusedAttention: boolean) =>
        trainModel(goldenRun(model, LOSS, { ...way, fusedAttention }));
      assert(attentionBlocksOf(goldenRun(model, LOSS, { ...way, fusedAttention: true }))?.fused);
      const [plain, fused] = [await run(false), await run(true)];
      fused.steps.forEach(({ loss, gradNorm }, i) => {
        const expected = plain.steps[i];
        assert(relativeError(loss, expected.loss) < 1e-4, `step ${i + 1}: ${loss}`);
        assert(relativeError(gradNorm, expected.gradNorm) < 1e-4, `step ${i + 1}: ${gradNorm}`);
      });
    }
  });
}

/** What scoring and a gradient put out, of three pairs of a few tokens, by graphs as they are written for a target. */
async function outputsOf(
  { config, weights }: Model,
  { target, rests, blocks }: {
    readonly target: Target;
    readonly rests: boolean;
    readonly blocks?: AttentionBlocks;
  },
): Promise<Map<string, Tensor>> {
  const pairs = tinyPairs(3);
  const reference = pairs.map(({ id, chosen, rejected }) => ({
    ...{ id, chosenLogp: -3, rejectedLogp: -2 },
    ...{ chosenTokens: chosen.length, rejectedTokens: rejected!.length },
  }));
  const fed: Record<string, Tensor> = pairFeeds({ pairs, reference }, {
    ...{ config, angles: new RotaryAngles(config), rests, blocks },
    ...{ comparesPairs: true, pairs: 3, meanChosenTokens: 3 },
  });
  const runtime = await openRuntime({ threads: 1 });
  const outputs = new Map<string, Tensor>();
  const options = { rests, attentionBlocks: blocks };
  for (
    const graph of [
      logpsGraph(config, undefined, options),
      gradientGraph({ config, loss: LOSS, ...options }),
    ]
  ) {
    const session = await runtime.session(toOnnx(graph, { target }));
    const ones = ({ dtype, dims }: ValueType): Tensor => {
      const sizes = dims.map(Number);
      const count = sizes.reduce((product, size) => product * size, 1);
      return dtype === "float64"
        ? { dtype, dims: sizes, data: new Float64Array(count).fill(1) }
        : float32(sizes, new Float32Array(count).fill(1));
    };
    const feed = (name: string) =>
      [name, fed[name] ?? weights.get(name) ?? ones(graph.inputs.get(name)!)] as const;
    const results = await session.run(Object.fromEntries(session.inputs.map(feed)));
    for (const [name, tensor] of Object.entries(results)) outputs.set(name, tensor);
    await session.release();
  }
  return outputs;
}

for (const keyValueHeads of [1, 2]) {
  for (const rests of [false, true]) {
    const grids = rests ? "with a grid of rests" : "without a grid of rests";
    Deno.test(`${keyValueHeads} key heads for 2 of queries, ${grids}: fused, as written for a GPU, gives what plain ops do`, async () => {
      const model = initializeModel({ ...tinyModel.config, keyValueHeads }, 1);
      const plain = await outputsOf(model, { target: "cpu", rests });
      for (const blocks of [IN_ONE, IN_BLOCKS]) {
        const fused = await outputsOf(model, { target: "cuda", rests, blocks });
        assert.deepEqual([...fused.keys()].sort(), [...plain.keys()].sort());
        for (const [name, { data }] of plain) {
          const found = fused.get(name)!.data;
          data.forEach((x, i) => {
            const off = Math.abs(Number(found[i]) - Number(x));
            assert(
              off <= 1e-5 * Math.max(1, Math.abs(Number(x))),
              `${name}[${i}]: ${found[i]}, ${x}`,
            );
          });
        }
      }
    });
  }
}

for (const [precision, bound] of [["bfloat16", 0.02], ["float16", 0.002]] as const) {
  Deno.test(`trainModel() with fused attention in ${precision} stays within the band of float32`, async () => {
    const model = await goldenModel();
    const of = async (changes: Parameters<typeof goldenRun>[2]) =>
      (await trainModel(goldenRun(model, LOSS, changes))).steps;
    const steps = await of({ precision, fusedAttention: true });
    (await of({})).forEach((row, i) => {
      assert(relativeError(steps[i].loss, row.loss) < bound, `step ${i + 1}: ${steps[i].loss}`);
      assert(relativeError(steps[i].gradNorm, row.gradNorm) < 5 * bound, `step ${i + 1}`);
    });
  });
}

/** Shapes of scores of all heads, of whole grids or of blocks. */
function scoresIn(graph: Graph): string[] {
  const { heads } = tinyModel.config;
  return lowerForSession(graph, { target: "cuda" }).nodes
    .flatMap(({ outputs }) => outputs.map(({ dims }) => dims))
    .filter((dims) => dims.length === 4 && dims[1] === heads && /U|Qp/.test(String(dims[3])))
    .map((dims) => dims.join());
}

for (const precision of ["float32", "bfloat16", "float16"] as const) {
  Deno.test(`graphs with fused attention in ${precision} have CUDA's kernels; scoring makes no scores, a gradient a block's`, async () => {
    const { config } = tinyModel;
    const runtime = await openRuntime({ threads: 1 });
    for (const rests of [false, true]) {
      const fused = { precision, rests, attentionBlocks: IN_BLOCKS };
      const scoring = logpsGraph(config, undefined, fused);
      const training = gradientGraph({ config, loss: LOSS, ...fused });
      for (const graph of [scoring, training]) {
        toOnnx(graph, { target: "cuda" }); // verifies that there are kernels
        const model = toOnnx(graph, { target: "cuda", emulatesHalves: true });
        await (await runtime.session(model)).release();
      }
      assert.deepEqual(scoresIn(scoring), []);
      const queries = scoresIn(training).map((dims) => dims.split(",")[2]);
      assert.deepEqual([...new Set(queries)].sort(), rests ? ["Ql", "Qp", "Qr"] : ["Qp", "Qr"]);
    }
    const whole = logpsGraph(config, undefined, { precision, rests: false });
    assert(scoresIn(whole).length > 0);
  });
}

Deno.test("a model says the newer set of operators where it has fused attention, and else the usual one", () => {
  const { config } = tinyModel;
  /** What the file says after its graph: the sets of operators; before it: its own version. */
  const versions = (blocks?: typeof IN_ONE) => {
    const bytes = toOnnx(logpsGraph(config, undefined, { attentionBlocks: blocks }));
    const ending = [...bytes.slice(-40)];
    const usual = ending.findIndex((_, i) =>
      // the domain "", then its version
      [0x0a, 0, 0x10].every((byte, j) => ending[i + j] === byte)
    );
    return { file: bytes[1], operators: ending[usual + 3] };
  };
  assert.deepEqual(versions(), { file: 10, operators: 21 });
  assert.deepEqual(versions(IN_ONE), { file: 11, operators: 23 });
});
