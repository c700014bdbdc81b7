/** What the provider cannot do is refused in words that say why. */
import assert from "node:assert/strict";
import { float32 } from "../../../core/tensor.ts";
import { Graph } from "../../../train/graph/graph.ts";
import { openGraph } from "../../../train/graph/open_graph.ts";
import { mul } from "../../../train/graph/ops.ts";
import { openRuntime } from "../../../train/runtime/open_runtime.ts";
import { applied, refusal } from "../../train/graph/applications.ts";
import { counts, setMemory } from "./counts.ts";

const CUDA = { threads: 1, device: "cuda:0", trains: true } as const;

Deno.test("a node that the provider has no kernel for is named and refused", async () => {
  const runtime = await openRuntime(CUDA);
  assert.match(
    (await refusal(runtime, applied("ReduceMean", "int64")))!,
    /^Expected every node on the GPU but found 1 on the processor, .*: ReduceMean \(.+\)\.$/,
  );
});

Deno.test("a GPU that is full says what helps, as tensors are placed and as a graph runs", async () => {
  const runtime = await openRuntime(CUDA);
  const graph = new Graph({ dtype: "float32" });
  graph.output("y", mul(graph.input("x", "float32", ["N"]), 2));
  const session = await openGraph(runtime, graph);
  const x = float32([1000], new Float32Array(1000));
  setMemory(counts().used);
  const full = /^ExpectedError: The GPU's memory is not enough\. Fewer pairs a run/;
  await assert.rejects(() => session.run({ x }), full);
  assert.throws(() => runtime.place(x), full);
  await session.release();
});
