import { z } from "../core/zod.ts";
import { defineStage } from "../pipeline/stage.ts";
import { writeScores } from "./score_params.ts";

const params = z.strictObject({
  parameters: z.array(z.strictObject({
    axis: z.string().min(1).describe("The recipe's axis that its values lie on"),
    parameter: z.string().min(1).describe("What tables call it, such as train.eta"),
  })).min(1).describe("The swept parameters; the first makes the rows"),
  metric: z.string().min(1).optional().describe("The results' main one unless told"),
  systems: z.array(z.string().min(1)).min(1).optional().describe("All unless told"),
});

export default defineStage<z.infer<typeof params>>({
  name: "sweep",
  describe: "Bring the points of a sweep together: one metric along the swept parameters",
  params,
  inputs: { results: { type: "results", many: true, describe: "One a point" } },
  outputs: { scores: { type: "scores" } },
  resources: () => ({ cores: 1, memory: 300 }),
  estimateSeconds: () => 1,
  module: import.meta.url,
  async run(context) {
    const { params, inputs } = context;
    const { sweepTable } = await import("../eval/sweep_table.ts");
    const points = await Promise.all(
      inputs("results").map(async ({ path, from, axes }) => ({
        from,
        axes,
        results: JSON.parse(await Deno.readTextFile(`${path}/results.json`)),
      })),
    );
    await writeScores([sweepTable({ points, ...params })], context);
  },
});
