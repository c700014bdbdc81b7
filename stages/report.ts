import { join } from "node:path";
import { z } from "zod";
import { InputError } from "../core/problem.ts";
import type { PromptRecord } from "../core/prompt_record.ts";
import { defineStage, type InputArtifact } from "../pipeline/stage.ts";
import { NO_RESULTS } from "../core/results.ts";
import { CLAIM } from "../reports/report_input.ts";

const system = z.string().min(1).describe("A system's id in the results");
const metric = z.string().min(1).describe("A metric's name in the results");

const column = z.union([
  z.strictObject({
    metric,
    label: z.string().optional().describe("Shorter heading than the metric's own"),
    group: z.string().optional().describe("Heading shared with neighbouring columns"),
  }),
  z.strictObject({ winRateOver: system, on: metric.optional() }),
  z.strictObject({ differenceFrom: system, on: metric.optional() }),
]);

const figure = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("logps"),
    systems: z.array(system).min(1).describe("One panel each"),
    chosen: z.string().default("chosenLogp"),
    rejected: z.string().default("rejectedLogp"),
  }),
  z.strictObject({
    kind: z.literal("training"),
    value: z.string().min(1).describe("The quantity along training"),
    systems: z.array(system).min(1),
    stopped: system.optional().describe("Mark the best point of each seed of this one"),
  }),
  z.strictObject({ kind: z.literal("tradeoff"), x: metric, y: metric }),
]);

const test = z.strictObject({
  metric: metric.describe("The metric that decides"),
  methods: z.array(system).min(1).describe("Systems that the claim speaks of"),
  opponents: z.array(z.strictObject({
    system,
    as: z.string().min(1).describe("How sentences name it, such as: DPO at its end"),
  })).min(1).describe("Those they must beat; first the one that the claim itself names"),
  overOptimised: z.strictObject({ end: system, stopped: system })
    .refine(({ end, stopped }) => end !== stopped, {
      path: ["stopped"],
      error: "must be another system than end",
    }).optional()
    .describe("One method at its end and stopped in time: was there over-optimisation at all?"),
});

const params = z.strictObject({
  title: z.string().min(1).describe("Heading of the report"),
  claim: z.string().min(1).default(CLAIM).describe(
    "The claim that the run is about, for a newcomer",
  ),
  test: test.optional().describe("How the claim is held against the numbers"),
  notes: z.array(z.string()).default([]).describe("What was run, and what it cannot show"),
  table: z.strictObject({
    title: z.string().min(1),
    columns: z.array(column).min(1),
    rows: z.array(system).min(1).optional().describe("Systems in this order; all unless told"),
  }).optional().describe("The main table of the results"),
  figures: z.array(figure).default([]),
});

export default defineStage<z.infer<typeof params>>({
  name: "report",
  describe: "Write the table as text, Markdown, LaTeX, CSV and HTML, the figures, and one page",
  params,
  inputs: {
    results: { type: "results", optional: true, describe: "Systems compared, for the main table" },
    scores: {
      type: "scores",
      many: true,
      optional: true,
      describe: "Tables of benchmarks, shown as they are",
    },
    judgments: {
      type: "judgments",
      many: true,
      optional: true,
      describe: "Of `judge` or `judge-answers`: shown prompt by prompt",
    },
    audits: { type: "audit", many: true, optional: true, describe: "What they found is shown" },
  },
  outputs: { report: { type: "report" } },
  checkInputs({ table }, { results, scores }) {
    if (results.length > 0 && table === undefined) {
      return [{ path: "table", message: "Expected a table, since results are wired." }];
    }
    if (results.length === 0 && table !== undefined) {
      return [{ path: "table", message: "Expected results to be wired, which a table shows." }];
    }
    if (results.length + scores.length > 0) return [];
    return [{
      path: "table",
      message: "Expected results or scores to be wired but found neither.",
    }];
  },
  resources: () => ({ cores: 1, memory: 300 }),
  estimateSeconds: () => 1,
  module: import.meta.url,
  async run({ params, inputs, output }) {
    const { writeReport } = await import("../reports/write_report.ts");
    const read = async (folder: string, name: string) =>
      JSON.parse(await Deno.readTextFile(join(folder, name)));
    const { figures, test = null, ...rest } = params;
    const audits = await Promise.all(inputs("audits").map(({ path }) => read(path, "audit.json")));
    const [wired] = inputs("results");
    const results = wired === undefined ? NO_RESULTS : await read(wired.path, "results.json");
    const scores = await Promise.all(
      inputs("scores").map(async ({ from, digest, path }) => ({
        origin: { instance: from, digest },
        tables: await read(path, "scores.json"),
      })),
    );
    const prompts = await readPrompts(inputs("judgments"));
    const shown = {
      ...{ ...rest, test, results, audits },
      // Left out where there are none, so that reports of results alone keep their bytes.
      ...(scores.length > 0 && { scores }),
      ...(prompts.length > 0 && { prompts }),
    };
    await writeReport(shown, figures, output("report"));
  },
});

/** @throws InputError for judgments that hold no replies, as those of `read-judgments` */
async function readPrompts(judgments: readonly InputArtifact[]): Promise<PromptRecord[]> {
  if (judgments.length === 0) return [];
  const { judgedPrompts } = await import("../eval/judge/judged_prompts.ts");
  const { readJudged } = await import("../eval/judge/judgment.ts");
  const { isFile } = await import("../core/is_file.ts");
  const records: PromptRecord[] = [];
  for (const { path, from } of judgments) {
    if (!await isFile(join(path, "summary.json"))) {
      const message = "Expected judgments of judge or judge-answers, which hold the replies, " +
        "but found others.";
      throw new InputError([{ path: from, message }]);
    }
    records.push(...judgedPrompts(await readJudged(path)));
  }
  return records;
}
