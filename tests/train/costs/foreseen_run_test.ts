import assert from "node:assert/strict";
import type { Tensor } from "../../../core/tensor.ts";
import { configOf, scoringRun, trainingRun } from "../../../train/costs/foreseen_run.ts";
import { type RunMemory, runMemory } from "../../../train/costs/run_memory.ts";
import { gradientGraph } from "../../../train/gradient_graph.ts";
import { lowerForSession } from "../../../train/graph/to_onnx.ts";
import { RotaryAngles } from "../../../train/models/rotary_angles.ts";
import { holdsRests } from "../../../train/pack_plan.ts";
import { pairFeeds } from "../../../train/pair_packs.ts";
import { SMALL } from "./small_shape.ts";

const SHAPE = { ...SMALL, hiddenSize: 64, intermediateSize: 128, headDim: 32, vocabSize: 100 };
const pair = (tokens: number) => ({ prompt: tokens, chosen: tokens, rejected: tokens });
const training = (layers: number, more: Partial<Parameters<typeof trainingRun>[1]> = {}) =>
  trainingRun({ ...SHAPE, layers }, { runs: [[pair(32)]], recomputes: false, ...more });

/** A step on one pair as `trainingRun` foresees it, by a graph with all its layers. */
function wholeRun(layers: number, tokens: number, { recomputes, device, ...way }: Way): RunMemory {
  const config = configOf({ ...SHAPE, layers });
  const rests = holdsRests(config, device);
  const options = { config, rests, gradientCheckpointing: recomputes, ...way };
  const loss = { loss: "rpo", beta: 0.1, eta: 0.005, sft: "sum" } as const;
  const graph = lowerForSession(gradientGraph({ ...options, loss }), { target: device });
  const ids = () => new Int32Array(tokens);
  const lengths = { chosenTokens: tokens, rejectedTokens: tokens };
  const batch = {
    pairs: [{ id: "0", prompt: ids(), chosen: ids(), rejected: ids() }],
    reference: [{ id: "0", chosenLogp: 0, rejectedLogp: 0, ...lengths }],
  };
  const feeds: Record<string, Tensor> = pairFeeds(batch, {
    ...{ config, rests, comparesPairs: true, pairs: 1, meanChosenTokens: 1 },
    angles: new RotaryAngles(config),
    blocks: way.attentionBlocks,
  });
  const symbols = [...graph.inputs].flatMap(([name, { dims }]) =>
    dims.map((dim, i) => [String(dim), feeds[name]?.dims[i] ?? Number(dim)] as const)
  );
  const outputs = [...graph.outputs].filter(([name]) => name.startsWith("next/"));
  const placed = new Set(outputs.map(([, value]) => value));
  const sizes = new Map(symbols);
  const memory = runMemory(graph, { sizes, placed, device });
  return { ...memory, bytes: memory.bytes + (device === "cuda" ? addedRows(sizes) : 0) };
}

/** Indices of 64 bits for each element of the rows that are added to the embedding: an arena of one region. */
function addedRows(sizes: ReadonlyMap<string, number>): number {
  return Math.max(1 << 20, 8 * sizes.get("N")! * SHAPE.hiddenSize);
}

type Way = Omit<Parameters<typeof trainingRun>[1], "runs" | "adapter">;

const GPU = { device: "cuda", precision: "bfloat16" } as const;
const FUSED = { attentionBlocks: { prompts: 1, replies: 1, fused: true } };

for (
  const [what, way] of [
    ["a deep model by shallow ones", {}],
    ["all layers on a GPU in bfloat16", GPU],
    ["all layers on a GPU in bfloat16 with fused attention", { ...GPU, ...FUSED }],
  ] as const
) {
  Deno.test(`trainingRun() tells ${what}`, () => {
    for (const recomputes of [false, true]) {
      const found = training(9, { recomputes, runs: [[pair(128)]], ...way });
      const whole = wholeRun(9, 128, { recomputes, ...way });
      assert.deepEqual([found.nodes, found.bytes], [whole.nodes, whole.bytes]);
    }
  });
}

Deno.test("trainingRun() keeps what layers compute, unless they are computed again", () => {
  const grown = (recomputes: boolean) =>
    training(8, { recomputes }).bytes - training(4, { recomputes }).bytes;
  const tokens = 32 + 2 * 31 + 1; // of the prompt, of replies without their last ones, and the pad
  assert(grown(true) >= 4 * 4 * tokens * 64, "a layer's input is kept at least: tokens · D floats");
  assert(grown(true) < grown(false) / 4);
});

Deno.test("trainingRun() in bfloat16 keeps no matrices in 16 bits where layers are computed again", () => {
  const wide = { ...SHAPE, hiddenSize: 256, intermediateSize: 1024 };
  const matrices = 3 * 256 * 1024; // of a layer's MLP
  const grown = (recomputes: boolean) => {
    const [four, eight] = [4, 8].map((layers) =>
      trainingRun({ ...wide, layers }, {
        ...{
          runs: [[pair(4)]],
          recomputes,
          precision: "bfloat16" as const,
          device: "cuda" as const,
        },
      }).bytes
    );
    return (eight - four) / 4;
  };
  assert(grown(false) > 2 * matrices, "on the way back they are there still");
  assert(grown(true) < 2 * matrices / 10);
});

Deno.test("trainingRun() is that of the largest run, and of half of it in bfloat16", () => {
  const large = training(4, { runs: [[pair(64)]] });
  assert.deepEqual(training(4, { runs: [[pair(8)], [pair(64)], [pair(32)]] }), large);
  const on = (precision: "float32" | "bfloat16") =>
    training(24, { precision, device: "cuda", runs: [[pair(512)]] }).bytes;
  assert(on("bfloat16") < 0.7 * on("float32"));
});

Deno.test("scoringRun() holds one layer at a time, however many there are", () => {
  const of = (layers: number) => scoringRun({ ...SHAPE, layers }, { runs: [[pair(32), pair(16)]] });
  const layer = (of(12).bytes - of(3).bytes) / 9;
  assert(layer < 4 * 96 * 64 / 4, "less than a quarter of what passes from one to the next");
  assert(of(12).nodes > 2 * of(3).nodes);
  assert(of(3).bytes < training(3, { runs: [[pair(32), pair(16)]] }).bytes / 2);
});
