import { join } from "node:path";
import { z } from "../core/zod.ts";
import { InputError, type Problem } from "../core/problem.ts";
import type { PromptRecord } from "../core/prompt_record.ts";
import { NO_RESULTS, type Results } from "../core/results.ts";
import { METRIC_NAMES, type MetricName } from "../eval/metrics.ts";
import { defineStage, type InputArtifact } from "../pipeline/stage.ts";
import { PAPER_TABLE_IDS } from "../reports/paper/paper_tables.ts";
import { CLAIM } from "../reports/report_input.ts";
import { figureParams, sourcesOf } from "./figure_params.ts";

const system = z.string().min(1).describe("A system's id in the results");
const metric = z.string().min(1).describe("A metric's name in the results");

const column = z.union([
  z.strictObject({
    metric,
    label: z.string().optional().describe("Shorter heading than the metric's own"),
    group: z.string().optional().describe("Heading shared with neighbouring columns"),
    optional: z.boolean().default(false).describe(
      "Leave the column out, instead of refusing it, where nothing measured its metric",
    ),
  }).refine(({ metric, optional }) => !optional || METRIC_NAMES.includes(metric as MetricName), {
    path: ["metric"],
    error: `a metric that can be measured: ${METRIC_NAMES.join(", ")}`,
  }),
  z.strictObject({ winRateOver: system, on: metric.optional() }),
  z.strictObject({ differenceFrom: system, on: metric.optional() }),
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
  paperTables: z.array(z.enum(PAPER_TABLE_IDS)).default([]).describe(
    "Tables of the paper to fill with this run's numbers, in the paper's order and rounding",
  ),
  figures: z.array(figureParams).default([]),
});

/** A main table needs results, and the other way round; a report without either needs scores. */
function tableProblems(
  table: unknown,
  { results, scores }: Readonly<Record<string, readonly unknown[]>>,
): Problem[] {
  const problem = (message: string) => [{ path: "table", message }];
  if (results.length > 0 && table === undefined) {
    return problem("Expected a table, since results are wired.");
  }
  if (results.length === 0 && table !== undefined) {
    return problem("Expected results to be wired, which a table shows.");
  }
  if (results.length + scores.length > 0) return [];
  return problem("Expected results or scores to be wired but found neither.");
}

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
    reconciliations: {
      type: "reconciliation",
      many: true,
      optional: true,
      describe: "A paper's printed numbers, each with a verdict; shown first",
    },
    audits: { type: "audit", many: true, optional: true, describe: "What they found is shown" },
  },
  outputs: { report: { type: "report" } },
  checkInputs: ({ table, figures }, wired) => [
    ...tableProblems(table, wired),
    ...figures.flatMap((figure, i) =>
      sourcesOf(figure).filter((port) => wired[port].length === 0).map((port) => ({
        path: `figures[${i}].kind`,
        message: `Expected ${port} to be wired, which ${figure.kind} is drawn from.`,
      }))
    ),
  ],
  resources: () => ({ cores: 1, memory: 300 }),
  estimateSeconds: () => 4,
  module: import.meta.url,
  async run({ params, inputs, output }) {
    const { writeReport } = await import("../reports/write_report.ts");
    const { readScores } = await import("./read_scores.ts");
    const read = async (folder: string, name: string) =>
      JSON.parse(await Deno.readTextFile(join(folder, name)));
    const { figures, paperTables, test = null, table: asked, ...rest } = params;
    const audits = await Promise.all(
      inputs("audits").map(async ({ from, digest, path }) => ({
        ...await read(path, "audit.json"),
        origin: { instance: from, digest },
      })),
    );
    const [wired] = inputs("results");
    const results = wired === undefined ? NO_RESULTS : await read(wired.path, "results.json");
    const scores = await readScores(inputs("scores"));
    const reconciliations = await Promise.all(
      inputs("reconciliations").map(async ({ from, digest, path }) => ({
        origin: { instance: from, digest },
        ...await read(path, "reconciliation.json"),
      })),
    );
    const prompts = await readPrompts(inputs("judgments"));
    const table = asked && { ...asked, columns: shownColumns(asked.columns, results) };
    // Left out where there are none, so that reports of results alone keep their bytes.
    const shown = {
      ...rest,
      ...(table && { table }),
      ...{ test, results, audits },
      ...(scores.length > 0 && { scores }),
      ...(prompts.length > 0 && { prompts }),
      ...(reconciliations.length > 0 && { reconciliations }),
      ...(paperTables.length > 0 && { paperTables }),
    };
    await writeReport(shown, figures, output("report"));
  },
});

/** @throws InputError for judgments that hold no replies, as those of `read-judgments` */
async function readPrompts(judgments: readonly InputArtifact[]): Promise<PromptRecord[]> {
  if (judgments.length === 0) return [];
  const { judgedPrompts } = await import("../eval/judge/judged_prompts.ts");
  const { holdsJudged, readJudged } = await import("../eval/judge/judged_files.ts");
  const records: PromptRecord[][] = [];
  for (const { path, from } of judgments) {
    if (!await holdsJudged(path)) {
      const message = "Expected judgments of judge or judge-answers, which hold the replies, " +
        "but found others.";
      throw new InputError([{ path: from, message }]);
    }
    records.push(judgedPrompts(await readJudged(path)));
  }
  return records.flat();
}

/** The columns without those that are optional and were not measured. */
function shownColumns(columns: readonly z.infer<typeof column>[], { metrics }: Results) {
  return columns.flatMap((spec) => {
    if (!("metric" in spec)) return spec;
    const { optional, ...shown } = spec;
    return optional && !(spec.metric in metrics) ? [] : shown;
  });
}
