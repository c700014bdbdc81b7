import assert from "node:assert/strict";
import { elementCount, float32, type Tensor } from "../../core/tensor.ts";
import {
  addRowsGraph,
  gradientGraph,
  gradientName,
  nextName,
  ROW_GRADIENTS,
} from "../../train/gradient_graph.ts";
import { toOnnx } from "../../train/graph/to_onnx.ts";
import { FAMILIES } from "../../train/models/families.ts";
import { type HeadChunk, headChunks, headName } from "../../train/models/head_chunks.ts";
import type { Model } from "../../train/models/model.ts";
import { EMBEDDING } from "../../train/models/parameters.ts";
import { RotaryAngles } from "../../train/models/rotary_angles.ts";
import { pairFeeds } from "../../train/pair_packs.ts";
import { openRuntime } from "../../train/runtime/open_runtime.ts";
import { golden, goldenModel, goldenPairs, relativeError } from "./golden.ts";

interface GoldenGradients {
  loss: number;
  reference_chosen: number[];
  parameters: Record<string, GoldenGradient>;
}

interface GoldenGradient {
  norm: number;
  projection: number;
  head: number[];
}

const LOSS = { loss: "rpo", beta: 0.1, eta: 0.05, sft: "sum" } as const;

/** Gradients on the first four pairs as one pack, with the policy's log-probs −3 / +2 as reference. */
async function gradientsOf(
  model: Model,
  { rests, vocabularyChunk }: { readonly rests: boolean; readonly vocabularyChunk?: number },
): Promise<Record<string, Tensor>> {
  const { config, weights } = model;
  const { rows } = golden<{ rows: { chosenLogp: number; rejectedLogp: number }[] }>(
    `${config.family}/logps.json`,
  );
  const pairs = goldenPairs().slice(0, 4);
  const reference = pairs.map(({ id }, i) => ({
    id,
    chosenLogp: rows[i].chosenLogp - 3,
    rejectedLogp: rows[i].rejectedLogp + 2,
    chosenTokens: 0,
    rejectedTokens: 0,
  }));
  const facts = { config, angles: new RotaryAngles(config), comparesPairs: true, rests, pairs: 4 };
  const one: Tensor = { dtype: "float64", dims: [], data: Float64Array.of(1) };
  const feeds: Record<string, Tensor> = {
    ...Object.fromEntries(weights),
    ...pairFeeds({ pairs, reference }, { ...facts, meanChosenTokens: 1 }),
    preferenceWeight: one,
    regulariserWeight: one,
  };
  for (const [name, { dims }] of weights) {
    feeds[gradientName(name)] = float32(dims, new Float32Array(elementCount(dims)));
  }
  feedChunks(feeds, headChunks(config, vocabularyChunk), config);
  const graph = gradientGraph({ config, loss: LOSS, rests, vocabularyChunk });
  const session = await (await openRuntime({ threads: 1 })).session(toOnnx(graph));
  const read = Object.entries(feeds).filter(([name]) => session.inputs.includes(name));
  const results = await session.run(Object.fromEntries(read));
  await session.release();
  for (const { name, start, end } of headChunks(config, vocabularyChunk)) {
    const whole = feeds[gradientName(headName(config))];
    const [, width] = whole.dims;
    const data = whole.data as Float32Array;
    data.subarray(start * width, end * width)
      .set(results[nextName(gradientName(name))].data as Float32Array);
    results[nextName(gradientName(headName(config)))] = whole;
  }
  const name = gradientName(EMBEDDING);
  const table = results[nextName(name)] ?? feeds[name];
  return { ...results, [nextName(name)]: await addRows(table, results[ROW_GRADIENTS], feeds.ids) };
}

/** Adds to what is fed the pieces of the output projection and of its gradient. */
function feedChunks(
  feeds: Record<string, Tensor>,
  chunks: readonly HeadChunk[],
  config: Model["config"],
): void {
  const whole = headName(config);
  for (const { name, start, end } of chunks) {
    for (const nameOf of [(weight: string) => weight, gradientName]) {
      const { dims: [, width], data } = feeds[nameOf(whole)] as Tensor<"float32">;
      const rows = data.subarray(start * width, end * width);
      feeds[nameOf(name)] = float32([end - start, width], rows);
    }
  }
}

async function addRows(table: Tensor, rows: Tensor, ids: Tensor): Promise<Tensor> {
  const session = await (await openRuntime({ threads: 1 })).session(toOnnx(addRowsGraph()));
  const results = await session.run({ table, rows, ids });
  await session.release();
  return results[nextName("table")];
}

for (const family of FAMILIES) {
  Deno.test(`gradients of every ${family} weight equal PyTorch's in norm and projection to 1e-4`, async () => {
    const model = await goldenModel(family);
    const expected = golden<GoldenGradients>(`${family}/gradients.json`);
    assert.deepEqual(Object.keys(expected.parameters).sort(), [...model.weights.keys()].sort());
    const { vocabSize } = model.config;
    const ways = [
      { rests: false },
      { rests: true },
      // Chunks of one size, and with a smaller one at the end.
      { rests: true, vocabularyChunk: vocabSize / 2 },
      { rests: false, vocabularyChunk: Math.ceil(vocabSize / 3) },
    ];
    for (const way of ways) {
      const results = await gradientsOf(model, way);
      assert(relativeError(Number(results.loss.data[0]), expected.loss) < 1e-5);
      for (const [name, parameter] of Object.entries(expected.parameters)) {
        const { data } = results[nextName(gradientName(name))];
        compareGradient(name, data as Float32Array, parameter);
      }
    }
  });
}

/**
 * Single numbers can be near 0 by chance, and then hold little but rounding: PyTorch's own float32
 * projections differ from ours in float64 by up to 9e-6 of the gradient's norm. So errors of elements
 * are measured on the norm, those of a projection on a tenth of it at least.
 */
function compareGradient(name: string, gradient: Float32Array, expected: GoldenGradient): void {
  const { norm, projection, head } = expected;
  let squares = 0;
  let dot = 0;
  gradient.forEach((g, i) => {
    squares += g * g;
    dot += g * Math.cos(i * 0.37 + 0.1);
  });
  assert(relativeError(Math.sqrt(squares), norm) <= 1e-4, `${name}: norm ${Math.sqrt(squares)}`);
  const scale = Math.max(Math.abs(projection), 0.1 * norm);
  assert(Math.abs(dot - projection) <= 1e-4 * scale, `${name}: ${dot} ≠ ${projection}`);
  head.forEach((value, i) => assert(Math.abs(gradient[i] - value) <= 1e-4 * norm, `${name}[${i}]`));
}
