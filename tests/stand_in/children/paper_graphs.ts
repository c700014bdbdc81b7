/** Opens the graphs of the paper's recipes at their whole size; weights are fed, so that none are there. */
import assert from "node:assert/strict";
import { openGraph } from "../../../train/graph/open_graph.ts";
import { logpsGraph } from "../../../train/logps_graph.ts";
import { openRuntime } from "../../../train/runtime/open_runtime.ts";
import { FUSED, PAPER_RECIPES, shapeOf, stepOf, VARIANTS } from "../../stages/paper_graphs.ts";

for (const recipe of PAPER_RECIPES) {
  Deno.test(`every node of ${recipe} at its whole size has a kernel of the provider's`, async () => {
    const config = await shapeOf(recipe);
    const runtime = await openRuntime({ threads: 1, device: "cuda:0" });
    const graphs = [
      ...VARIANTS.map((more) => stepOf(config, "cuda", more)),
      logpsGraph(config),
      logpsGraph(config, undefined, { precision: "bfloat16", attentionBlocks: FUSED }),
    ];
    for (const graph of graphs) {
      const session = await openGraph(runtime, graph);
      assert.deepEqual([...session.inputs].sort(), [...graph.inputs.keys()].sort());
      await session.release();
    }
  });
}
