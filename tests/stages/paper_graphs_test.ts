import assert from "node:assert/strict";
import type { ExpectedModel } from "../../stages/expected_model.ts";
import { configOf } from "../../train/costs/foreseen_run.ts";
import { gradientGraph, type GradientGraphOptions } from "../../train/gradient_graph.ts";
import type { Target } from "../../train/graph/target.ts";
import { toOnnx } from "../../train/graph/to_onnx.ts";
import { logpsGraph } from "../../train/logps_graph.ts";
import { TARGET_NAMES } from "../../train/models/adapter_config.ts";
import type { ModelConfig } from "../../train/models/config.ts";
import { holdsRests } from "../../train/pack_plan.ts";
import { openRuntime } from "../../train/runtime/open_runtime.ts";
import { instancesOf, paramsOf } from "./recipe_instances.ts";

/** The whole shape of the model that a recipe trains. */
async function shapeOf(recipe: string): Promise<ModelConfig> {
  return configOf(paramsOf(await instancesOf(recipe), "base").expects as ExpectedModel);
}

/** A step of RPO, as the recipe says it. */
function stepOf(config: ModelConfig, target: Target, more: Partial<GradientGraphOptions> = {}) {
  return gradientGraph({
    config,
    loss: { loss: "rpo", beta: 0.01, eta: 0.005, sft: "sum" },
    gradientCheckpointing: true,
    rests: holdsRests(config, target),
    ...more,
  });
}

/** Attention in one kernel, its gradient in as many blocks. */
const FUSED = { prompts: 2, replies: 2, fused: true };

const adapter = { rank: 16, alpha: 32, dropout: 0, targets: TARGET_NAMES };

for (const recipe of ["zephyr-7b-beta", "zephyr-7b-gemma"]) {
  Deno.test(`the graphs of ${recipe} at their whole size have a kernel of CUDA for every op`, async () => {
    const config = await shapeOf(recipe);
    const attentionBlocks = { prompts: 2, replies: 2 };
    const variants: readonly Partial<GradientGraphOptions>[] = [
      {},
      { precision: "bfloat16", adapter },
      { precision: "float16", attentionBlocks },
      { precision: "bfloat16", adapter, attentionBlocks: FUSED },
    ];
    for (const more of variants) toOnnx(stepOf(config, "cuda", more), { target: "cuda" });
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
