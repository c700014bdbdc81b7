import { z } from "../core/zod.ts";
import { defineStage } from "../pipeline/stage.ts";
import {
  judgeFacts,
  judgeParams,
  judgeProblems,
  judgeResources,
  openJudge,
  openTemplates,
  pricedBudget,
  templateParams,
  writeJudgments,
} from "./judge_params.ts";

const params = z.strictObject({
  ...judgeParams,
  ...templateParams,
  rule: z.enum(["logprobs", "choice", "rating"]).describe(
    "How an answer is read: probabilities of two tokens, [[A]] [[B]] [[C]], or a single reply's [[7]]",
  ),
  tokens: z.tuple([z.string().min(1), z.string().min(1)]).default(["m", "M"]).describe(
    "Of logprobs: the tokens that name the first and the second reply",
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
  checkInputs: ({ rule, model }, { baseline }) => [
    ...judgeProblems({ model }),
    ...(rule === "rating" && baseline.length > 0
      ? [{ path: "rule", message: "Expected choice or logprobs, since a baseline is wired." }]
      : []),
  ],
  resources: () => ({ cores: 1, memory: 500, ...judgeResources() }),
  facts: judgeFacts,
  estimateSeconds: () => 300,
  module: import.meta.url,
  async run(context) {
    const { params, input, inputs } = context;
    const { judgeItems } = await import("../eval/judge/judge_items.ts");
    const { chooseTemplate } = await import("../eval/judge/template.ts");
    const { pairedItems, singleItems } = await import("../eval/judge/reply_items.ts");
    const { readReplies } = await import("../eval/reply_rows.ts");
    const single = params.rule === "rating";
    const { template: path, templateName: name } = params;
    const template = chooseTemplate(await openTemplates(params), { path, name });
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
        equalAnswers: "asked",
      },
      asking,
    );
    await writeJudgments(judged, params, context);
  },
});
