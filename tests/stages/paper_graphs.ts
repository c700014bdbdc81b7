import type { ExpectedModel } from "../../stages/expected_model.ts";
import { configOf } from "../../train/costs/foreseen_run.ts";
import { gradientGraph, type GradientGraphOptions } from "../../train/gradient_graph.ts";
import type { Target } from "../../train/graph/target.ts";
import { TARGET_NAMES } from "../../train/models/adapter_config.ts";
import type { ModelConfig } from "../../train/models/config.ts";
import { holdsRests } from "../../train/pack_plan.ts";
import { instancesOf, paramsOf } from "./recipe_instances.ts";

/** The recipes of the paper's whole size. */
export const PAPER_RECIPES = ["zephyr-7b-beta", "zephyr-7b-gemma"] as const;

/** The whole shape of the model that a recipe trains. */
export async function shapeOf(recipe: string): Promise<ModelConfig> {
  return configOf(paramsOf(await instancesOf(recipe), "base").expects as ExpectedModel);
}

/** A step of RPO, as the recipe says it. */
export function stepOf(
  config: ModelConfig,
  target: Target,
  more: Partial<GradientGraphOptions> = {},
) {
  return gradientGraph({
    config,
    loss: { loss: "rpo", beta: 0.01, eta: 0.005, sft: "sum" },
    gradientCheckpointing: true,
    rests: holdsRests(config, target),
    ...more,
  });
}

/** Attention in one kernel, its gradient in as many blocks. */
export const FUSED = { prompts: 2, replies: 2, fused: true };

const adapter = { rank: 16, alpha: 32, dropout: 0, targets: TARGET_NAMES };

/** How a GPU may be asked to take the step. */
export const VARIANTS: readonly Partial<GradientGraphOptions>[] = [
  {},
  { precision: "bfloat16", adapter },
  { precision: "float16", attentionBlocks: { prompts: 2, replies: 2 } },
  { precision: "bfloat16", adapter, attentionBlocks: FUSED },
];
