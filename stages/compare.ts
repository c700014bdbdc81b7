import { z } from "../core/zod.ts";
import { InputError } from "../core/problem.ts";
import { assignSystems } from "../eval/systems.ts";
import { DIRECTED_METRICS, METRIC_NAMES } from "../eval/metrics.ts";
import { defineStage } from "../pipeline/stage.ts";

const systemId = z.string().regex(/^[a-z0-9][a-z0-9-]*$/, "lower-case letters, digits and dashes");
const directed = z.enum(DIRECTED_METRICS);

const params = z.strictObject({
  systems: z.array(z.strictObject({
    id: systemId,
    label: z.string().min(1).describe("What tables call it"),
    from: z.string().min(1).describe("Where its evaluations come from, such as evaluate/dpo"),
    where: z.record(z.string(), z.union([z.string(), z.number()])).optional()
      .describe("Axes that they must have besides"),
  })).min(1).describe("The rows of the table, in their order"),
  baselines: z.array(systemId).describe("Systems that every other one is compared with"),
  compareOn: z.array(directed).min(1).describe("Metrics to compare on; the main one first"),
  metrics: z.array(z.enum(METRIC_NAMES)).optional()
    .describe("Metrics to report; all that were measured unless told"),
  seed: z.int().min(0).default(0).describe("Seed of the bootstrap and the permutation test"),
  resamples: z.int().min(100).default(10000).describe("Draws of both"),
  window: z.int().min(1).default(20).describe("Training steps averaged into one point of a curve"),
}).superRefine((value, context) => {
  const ids = value.systems.map(({ id }) => id);
  const known = [...new Set(ids)];
  const check = (path: (string | number)[], id: string, choices: readonly string[]) => {
    if (choices.includes(id)) return;
    const message = `Expected one of ${choices.join(", ")} but found ${id}.`;
    context.addIssue({ code: "custom", path, message });
  };
  ids.forEach((id, i) => {
    if (ids.indexOf(id) === i) return;
    context.addIssue({ code: "custom", path: ["systems", i, "id"], message: `${id} comes twice.` });
  });
  value.baselines.forEach((id, i) => check(["baselines", i], id, known));
});

export default defineStage<z.infer<typeof params>>({
  name: "compare",
  describe: "Bring evaluations together: means with intervals, paired comparisons, curves",
  params,
  inputs: {
    evaluations: { type: "evaluation", many: true },
    curves: {
      type: "curve",
      many: true,
      optional: true,
      describe: "Along training, on validation",
    },
    steps: { type: "steps", many: true, optional: true, describe: "What training itself saw" },
  },
  outputs: { results: { type: "results" } },
  checkInputs({ systems }, { evaluations }) {
    try {
      assignSystems(systems, evaluations);
      return [];
    } catch (error) {
      if (error instanceof InputError) return error.problems;
      throw error;
    }
  },
  resources: () => ({ cores: 1, memory: 600 }),
  estimateSeconds: () => 2,
  module: import.meta.url,
  async run({ params, inputs, output }) {
    const { compareSystems } = await import("../eval/compare.ts");
    const { readCurve } = await import("../eval/curve.ts");
    const { readEvaluation } = await import("../eval/evaluation.ts");
    const { parseStepRecords } = await import("../train/step_record.ts");
    const { canonicalJson } = await import("../core/json.ts");
    const results = compareSystems({
      ...params,
      resampling: params,
      evaluations: await Promise.all(
        inputs("evaluations").map(async (artifact) => ({
          ...artifact,
          evaluation: await readEvaluation(artifact.path),
        })),
      ),
      curves: await Promise.all(
        inputs("curves").map(async (artifact) => ({
          ...artifact,
          content: await readCurve(artifact.path),
        })),
      ),
      steps: await Promise.all(
        inputs("steps").map(async (artifact) => ({
          ...artifact,
          content: parseStepRecords(await Deno.readTextFile(`${artifact.path}/steps.jsonl`)),
        })),
      ),
    });
    await Deno.writeTextFile(`${output("results")}/results.json`, `${canonicalJson(results)}\n`);
  },
});
