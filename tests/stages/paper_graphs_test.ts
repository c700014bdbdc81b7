import assert from "node:assert/strict";
import { toOnnx } from "../../train/graph/to_onnx.ts";
import { logpsGraph } from "../../train/logps_graph.ts";
import { openRuntime } from "../../train/runtime/open_runtime.ts";
import { FUSED, PAPER_RECIPES, shapeOf, stepOf, VARIANTS } from "./paper_graphs.ts";

for (const recipe of PAPER_RECIPES) {
  Deno.test(`the graphs of ${recipe} at their whole size have a kernel of CUDA for every op`, async () => {
    const config = await shapeOf(recipe);
    for (const more of VARIANTS) toOnnx(stepOf(config, "cuda", more), { target: "cuda" });
  });

  Deno.test(`ONNX Runtime opens the graphs of ${recipe} at their whole size`, async () => {
    const config = await shapeOf(recipe);
    // Weights are fed, so that no session holds any.
    const runtime = await openRuntime({ threads: 1 });
    const graphs = [
      stepOf(config, "cpu"),
      logpsGraph(config),
      logpsGraph(config, undefined, { attentionBlocks: FUSED }),
    ];
    for (const graph of graphs) {
      const session = await runtime.session(toOnnx(graph));
      assert.deepEqual([...session.inputs].sort(), [...graph.inputs.keys()].sort());
      await session.release();
    }
  });
}
