import { loadModelConfig } from "../models/model.ts";
import { snapshotName } from "../snapshots.ts";
import { type ModelSizes, modelSizes } from "./model_sizes.ts";

/** How many snapshots a folder holds, and the size of the model that each of them is. */
export async function snapshotSizes(folder: string): Promise<ModelSizes> {
  const index = await Deno.readTextFile(`${folder}/index.json`);
  const { steps } = JSON.parse(index) as { steps: number[] };
  if (steps.length === 0) return { snapshots: 0 };
  const config = await loadModelConfig(`${folder}/${snapshotName(steps[0])}`);
  return { ...modelSizes(config), snapshots: steps.length };
}
