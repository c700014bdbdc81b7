import { z } from "zod";
import { InputError } from "../core/problem.ts";
import { pathParam } from "../pipeline/path_param.ts";
import { defineStage } from "../pipeline/stage.ts";
import {
  judgeFacts,
  judgeParams,
  judgeResources,
  openJudge,
  pricedBudget,
} from "./judge_params.ts";

const params = z.strictObject({
  ...judgeParams,
  rule: z.enum(["logprobs", "choice", "rating"]).describe(
    "How an answer is read: probabilities of two tokens, [[A]] [[B]] [[C]], or a single reply's [[7]]",
  ),
  tokens: z.tuple([z.string().min(1), z.string().min(1)]).default(["m", "M"]).describe(
    "Of logprobs: the tokens that name the first and the second reply",
  ),
  template: pathParam({
    kind: "file",
    describe: "What the judge is asked: a ChatML text, or FastChat's judge_prompts.jsonl",
  }),
  templateName: z.string().min(1).optional().describe("Its name, where the file holds several"),
  templateSha256: z.string().regex(/^[0-9a-f]{64}$/, "64 hex digits").optional().describe(
    "SHA-256 of the file; another one is refused",
  ),
  system: z.string().min(1).describe("Name of the judged system, such as $method"),
  baseline: z.string().min(1).default("chosen").describe("Name of what pairs compare it with"),
  orders: z.enum(["both", "drawn", "given"]).default("both").describe(
    "Of pairs: asked in both orders, in one drawn by seed and prompt, or with the baseline first",
  ),
  limit: z.int().min(1).optional().describe("Replies to judge, from the first; all if absent"),
}).refine(pricedBudget.check, pricedBudget.message);

export default defineStage<z.infer<typeof params>>({
  name: "judge",
  describe: "Let a judge compare replies with others, or grade them; keep every answer",
  params,
  inputs: {
    replies: { type: "replies", describe: "The judged system's" },
    baseline: {
      type: "replies",
      optional: true,
      describe: "Replies to the same prompts; the data's chosen ones unless wired",
    },
  },
  outputs: { judgments: { type: "judgments" } },
  checkInputs: ({ rule }, { baseline }) =>
    rule === "rating" && baseline.length > 0
      ? [{ path: "rule", message: "Expected choice or logprobs, since a baseline is wired." }]
      : [],
  resources: () => ({ cores: 1, memory: 500, ...judgeResources() }),
  facts: judgeFacts,
  estimateSeconds: () => 300,
  module: import.meta.url,
  async run(context) {
    const { params, input, inputs, output, log, warn } = context;
    const { judgeItems } = await import("../eval/judge/judge_items.ts");
    const { describeCoverage, requireCoverage, writeJudged } = await import(
      "../eval/judge/judgment.ts"
    );
    const { writeHarnessFiles } = await import("../eval/judge/harness_rows.ts");
    const { pairedItems, singleItems } = await import("../eval/judge/reply_items.ts");
    const { readReplies } = await import("../eval/reply_rows.ts");
    const single = params.rule === "rating";
    const template = await openTemplate(params);
    const replies = (await readReplies(input("replies").path)).slice(0, params.limit);
    const [wired] = inputs("baseline");
    const baseline = wired ? await readReplies(wired.path) : null;
    const { model, seeds, sampling, asking } = await openJudge(params, context);
    const judged = await judgeItems(
      single ? singleItems(replies) : pairedItems(replies, baseline),
      {
        ...{ model, seeds, sampling },
        systems: single ? [params.system] : [params.baseline, params.system],
        rule: params.rule === "logprobs"
          ? { kind: params.rule, tokens: params.tokens }
          : { kind: params.rule },
        template: () => template,
        orders: params.orders,
      },
      asking,
    );
    requireCoverage(judged, params.coverage);
    await writeJudged(output("judgments"), judged);
    await writeHarnessFiles(output("judgments"), judged);
    const { asked, scored } = judged.coverage;
    (scored < asked ? warn : log)(describeCoverage(judged.coverage));
  },
});

async function openTemplate(
  { template: path, templateName, templateSha256 }: z.infer<typeof params>,
) {
  const { digestFile } = await import("../core/digest.ts");
  const { chooseTemplate, readJudgeTemplates } = await import("../eval/judge/template.ts");
  if (templateSha256 !== undefined) {
    const { sha256 } = await digestFile(path);
    if (sha256 !== templateSha256) {
      throw new InputError([{
        path,
        message: `Expected the file with SHA-256 ${templateSha256} but found ${sha256}.`,
      }]);
    }
  }
  return chooseTemplate(await readJudgeTemplates(path), { path, name: templateName });
}
