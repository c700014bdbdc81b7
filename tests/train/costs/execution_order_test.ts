import assert from "node:assert/strict";
import { join } from "node:path";
import type { Tensor } from "../../../core/tensor.ts";
import { executionOrder } from "../../../train/costs/run_memory.ts";
import type { Graph } from "../../../train/graph/graph.ts";
import { liveNodes } from "../../../train/graph/lower.ts";
import { lowerForSession, toOnnx } from "../../../train/graph/to_onnx.ts";
import type { Node } from "../../../train/graph/value.ts";
import { gradientGraph } from "../../../train/gradient_graph.ts";
import type { AttentionBlocks } from "../../../train/models/attention_blocks.ts";
import { RotaryAngles } from "../../../train/models/rotary_angles.ts";
import { pairFeeds } from "../../../train/pair_packs.ts";
import { openRuntime } from "../../../train/runtime/open_runtime.ts";
import { temporaryFolder } from "../../stages/run_stage.ts";
import { configOf } from "../../../bench/training/shapes.ts";

const CONFIG = configOf({ V: 32, D: 32, L: 3, H: 2, K: 1, F: 64, tied: true });

const WAYS = {
  "of training": {},
  "with layers computed again": { gradientCheckpointing: true },
  "with logits by chunks": { vocabularyChunk: 12 },
  "with attention in blocks": { attentionBlocks: { prompts: 2, replies: 3 } },
  "with fused attention": { attentionBlocks: { prompts: 1, replies: 1, fused: true } },
  "with fused attention, its gradient in blocks": {
    attentionBlocks: { prompts: 2, replies: 3, fused: true },
  },
};

for (const [what, way] of Object.entries(WAYS)) {
  Deno.test(`executionOrder() is ONNX Runtime's own, by its profile of the graph ${what}`, async () => {
    const graph = gradientGraph({
      config: CONFIG,
      loss: { loss: "rpo", beta: 0.1, eta: 0.1, sft: "sum" },
      rests: false,
      ...way,
    });
    const blocks = "attentionBlocks" in way ? way.attentionBlocks : undefined;
    const nodes = liveNodes(lowerForSession(graph)).filter(isNode);
    const expected = executionOrder(liveNodes(lowerForSession(graph)));
    const profiled = await profiledOrder(graph, blocks);
    assert.equal(profiled.length, nodes.length);
    const found = profiled.map((place) => nodes[place]);
    assert.deepEqual(found.map(nameOf), expected.filter(isNode).map(nameOf));
  });
}

const nameOf = ({ outputs }: Node) => outputs[0].name;

/** Whether it is a node in a session: not a constant of the model, nor arithmetic of sizes. */
function isNode({ op }: Node): boolean {
  return op !== "Constant" && op !== "Full" && op !== "Size";
}

interface ProfileEvent {
  readonly cat: string;
  readonly name: string;
  readonly args: { readonly op_name: string; readonly node_index: string };
}

/** The places in the file of the nodes that a run computes, in the order in which it does. */
async function profiledOrder(graph: Graph, blocks?: AttentionBlocks): Promise<number[]> {
  const folder = await temporaryFolder();
  const runtime = await openRuntime({ threads: 1, profile: join(folder, "run") });
  const session = await runtime.session(toOnnx(graph));
  await session.run(feedsOf(graph, session.inputs, blocks));
  await session.release();
  const [{ name }] = [...Deno.readDirSync(folder)];
  const events: ProfileEvent[] = JSON.parse(await Deno.readTextFile(join(folder, name)));
  const indices = events
    .filter(({ cat, name, args }) =>
      cat === "Node" && name.endsWith("_kernel_time") && !name.startsWith("size/") &&
      !["ConstantOfShape", "Identity"].includes(args.op_name)
    )
    .map(({ args }) => Number(args.node_index));
  const inFile = indices.toSorted((a, b) => a - b);
  return indices.map((index) => inFile.indexOf(index));
}

/** A pack of one pair, and weights of ones. */
function feedsOf(
  graph: Graph,
  inputs: readonly string[],
  blocks?: AttentionBlocks,
): Record<string, Tensor> {
  const ids = (count: number) => Int32Array.from({ length: count }, (_, i) => i);
  const pairs = [{ id: "0", prompt: ids(5), chosen: ids(4), rejected: ids(6) }];
  const lengths = { chosenTokens: 4, rejectedTokens: 6 };
  const reference = [{ id: "0", chosenLogp: -1, rejectedLogp: -1, ...lengths }];
  const feeds: Record<string, Tensor> = pairFeeds({ pairs, reference }, {
    config: CONFIG,
    angles: new RotaryAngles(CONFIG),
    comparesPairs: true,
    rests: false,
    blocks,
    pairs: 1,
    meanChosenTokens: 4,
  });
  const ones = (name: string): Tensor => {
    const { dtype, dims } = graph.inputs.get(name)!;
    const sizes = dims.map(Number);
    const count = sizes.reduce((product, size) => product * size, 1);
    return dtype === "float64"
      ? { dtype, dims: sizes, data: new Float64Array(count).fill(1) }
      : { dtype: "float32", dims: sizes, data: new Float32Array(count).fill(1) };
  };
  return Object.fromEntries(inputs.map((name) => [name, feeds[name] ?? ones(name)]));
}
