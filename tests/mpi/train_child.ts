/**
 * One of several processes that train together; the first one then trains by itself, and prints how far
 * the weights lie apart.
 */
import { inRanks } from "../../train/parallel/in_ranks.ts";
import type { MomentPrecision } from "../../train/precision.ts";
import { trainModel } from "../../train/trainer.ts";
import { TOGETHER } from "../train/parallel/runs.ts";
import { trainedWeights, weightDistance } from "../train/parallel/same_weights.ts";

const [processes, name, moments] = Deno.args;
const options = { ...await TOGETHER[name](), moments: moments as MomentPrecision };
const together = await inRanks(
  Number(processes),
  (ranks) => trainModel({ ...options, ranks }),
);
if (together !== null) {
  const alone = await trainModel(options);
  const distance = weightDistance(trainedWeights(together), trainedWeights(alone));
  await Deno.stdout.write(new TextEncoder().encode(JSON.stringify(distance)));
}
