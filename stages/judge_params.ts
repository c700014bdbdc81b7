import { z } from "../core/zod.ts";
import type { AskProgress } from "../eval/judge/ask_all.ts";
import type { Judged } from "../eval/judge/judgment.ts";
import type { JudgeTemplate } from "../eval/judge/template.ts";
import { pathParam } from "../pipeline/path_param.ts";
import type { VerdictRule } from "../eval/judge/verdict.ts";
import { JUDGE_VARIABLES, judgeHosts, readJudgeSettings } from "../eval/judge/settings.ts";
import { InputError, type Problem } from "../core/problem.ts";
import { Random } from "../core/random.ts";
import type { Progress, Resources } from "../pipeline/stage.ts";

/** Parameters of stages that ask a judge. */
export const judgeParams = {
  model: z.string().min(1).optional().describe(
    "The judge, as its endpoint names it; JUDGE_MODEL unless given",
  ),
  temperature: z.number().min(0).default(0).describe("Temperature of the judge"),
  maxTokens: z.int().min(1).describe(
    "Most tokens of a judge's answer: 2048 as FastChat, 1 for logprobs as AlpacaEval",
  ),
  maxTokensField: z.enum(["max_tokens", "max_completion_tokens"]).default("max_tokens")
    .describe("What the endpoint calls that; newer models of OpenAI want the second"),
  topLogprobs: z.int().min(2).max(20).default(5).describe(
    "Likeliest tokens asked for, of logprobs",
  ),
  seeds: z.array(z.int().min(0)).min(1).optional().describe(
    "Judge each once under each, and send it; once and none unless given",
  ),
  coverage: z.number().min(0).max(1).describe(
    "Share of what tables count that must be scored: of judgments, or of pairs in both orders",
  ),
  concurrency: z.int().min(1).default(8).describe("Requests under way at once"),
  requestsPerMinute: z.number().gt(0).optional().describe("Most requests begun in a minute"),
  attempts: z.int().min(1).default(6).describe("Attempts for each request"),
  timeoutSeconds: z.number().gt(0).default(120).describe("What an answer may take"),
  failuresInARow: z.int().min(1).default(10).describe(
    "Requests that fail one after another before the stage stops",
  ),
  prices: z.strictObject({ input: z.number().min(0), output: z.number().min(0) }).optional()
    .describe("Dollars per million tokens"),
  budget: z.strictObject({
    calls: z.int().min(1).optional(),
    dollars: z.number().gt(0).optional(),
  }).prefault({}).describe(
    "The most that all judges of a run may call and spend together; what is kept costs nothing",
  ),
};

/** Parameters of stages that read what a judge is asked from a file. */
export const templateParams = {
  template: pathParam({
    kind: "file",
    describe: "What the judge is asked: a ChatML text, or FastChat's judge_prompts.jsonl",
  }),
  templateName: z.string().min(1).optional().describe(
    "Its name, where the file holds several and the benchmark does not choose",
  ),
  templateSha256: z.string().regex(/^[0-9a-f]{64}$/, "64 hex digits").optional().describe(
    "SHA-256 of the file; another one is refused",
  ),
};

type JudgeParams = z.infer<z.ZodObject<typeof judgeParams>>;

/** What a budget in money needs. */
export const pricedBudget = {
  check: ({ budget, prices }: Pick<JudgeParams, "budget" | "prices">) =>
    budget.dollars === undefined || prices !== undefined,
  message: { path: ["prices"], error: "prices per million tokens, since budget.dollars is given" },
};

/**
 * What a stage needs to ask a judge: its host alone, none offline; the key; what is kept. Stages take
 * turns at the judge: the rate is then the recipe's, and what two of them would ask is asked once.
 */
export function judgeResources(): Pick<
  Resources,
  "network" | "environment" | "caches" | "turns"
> {
  return {
    turns: ["judge"],
    network: judgeHosts(readJudgeSettings(withoutKey)),
    environment: JUDGE_VARIABLES,
    caches: ["judgments", "spending"],
  };
}

/** What keeps a stage from asking its judge, told before anything runs: how it is named. */
export function judgeProblems({ model }: { readonly model?: string }): Problem[] {
  const message = misnamed(model, readJudgeSettings(withoutKey).model);
  return message === null ? [] : [{ path: "model", message }];
}

/** The judge is in the key, also where the environment names it. */
export function judgeFacts({ model }: { readonly model?: string }): Record<string, string> {
  return model === undefined ? { judge: readJudgeSettings(withoutKey).model ?? "not named" } : {};
}

/** The judge, and how its answers are kept and asked for, as a worker's environment has it. */
export async function openJudge(
  params: JudgeParams & { readonly rule: VerdictRule["kind"] },
  { run, cache, scratch, signal, progress, log }: {
    readonly run: string;
    cache(name: "judgments" | "spending"): string;
    readonly scratch: string;
    readonly signal: AbortSignal;
    progress(progress: Progress): void;
    log(message: string): void;
  },
) {
  const { KeptAnswers } = await import("../eval/judge/kept_answers.ts");
  const { Ledger } = await import("../eval/judge/spending.ts");
  const { OpenAiEndpoint } = await import("../eval/judge/endpoint.ts");
  const { describeEstimate } = await import("../eval/judge/cost.ts");
  const { baseUrl, apiKey, model, offline } = readJudgeSettings((name) => Deno.env.get(name));
  const wrong = misnamed(params.model, model);
  if (wrong !== null) throw new InputError([{ path: "model", message: wrong }]);
  const judge = params.model ?? model!;
  const random = Random.seeded(0, "when requests begin again");
  const { temperature, maxTokens, maxTokensField, topLogprobs } = params;
  const timeout = 1000 * params.timeoutSeconds;
  return {
    model: judge,
    seeds: params.seeds ?? [null],
    sampling: {
      ...{ temperature, maxTokens, maxTokensField },
      topLogprobs: params.rule === "logprobs" ? topLogprobs : null,
    },
    asking: {
      kept: new KeptAnswers(cache("judgments"), scratch),
      endpoint: offline || baseUrl === null
        ? null
        : new OpenAiEndpoint({ baseUrl, apiKey, timeout, now: Date.now }),
      pace: {
        concurrency: params.concurrency,
        requestsPerMinute: params.requestsPerMinute ?? null,
        attempts: params.attempts,
        firstWait: 1000,
        failuresInARow: params.failuresInARow,
        spread: 250 * params.concurrency,
      },
      budget: { calls: params.budget.calls ?? null, dollars: params.budget.dollars ?? null },
      prices: params.prices ?? null,
      ledger: new Ledger(`${cache("spending")}/${run}.ndjson`),
      signal,
      jitter: () => random.uniform(),
      onEstimate: (estimate: Parameters<typeof describeEstimate>[0]) =>
        log(`asks ${judge}: ${describeEstimate(estimate)}`),
      onProgress: (asked: AskProgress) => progress(shown(asked)),
    },
  };
}

/**
 * The templates of the file, by name.
 *
 * @throws InputError for a file that is not the one that the recipe names by its digest
 */
export async function openTemplates(
  { template: path, templateSha256 }: z.infer<z.ZodObject<typeof templateParams>>,
): Promise<Map<string, JudgeTemplate>> {
  const { digestFile } = await import("../core/digest.ts");
  const { readJudgeTemplates } = await import("../eval/judge/template.ts");
  if (templateSha256 !== undefined) {
    const { sha256 } = await digestFile(path);
    if (sha256 !== templateSha256) {
      throw new InputError([{
        path,
        message: `Expected the file with SHA-256 ${templateSha256} but found ${sha256}.`,
      }]);
    }
  }
  return await readJudgeTemplates(path);
}

/**
 * Writes judgments, once enough of them are scored.
 *
 * @throws ExpectedError when too few are
 */
export async function writeJudgments(
  judged: Judged,
  { coverage }: Pick<JudgeParams, "coverage">,
  { output, log, warn }: {
    output(port: "judgments"): string;
    log(message: string): void;
    warn(message: string): void;
  },
): Promise<void> {
  const { describeCoverage, requireCoverage } = await import("../eval/judge/judgment.ts");
  const { writeJudged } = await import("../eval/judge/judged_files.ts");
  const { writeHarnessFiles } = await import("../eval/judge/harness_rows.ts");
  requireCoverage(judged, coverage);
  await writeJudged(output("judgments"), judged);
  await writeHarnessFiles(output("judgments"), judged);
  const { all, scored } = judged.coverage;
  (scored < all ? warn : log)(describeCoverage(judged.coverage));
}

/** What is wrong with the judge's name, from parameter and environment; null for nothing. */
function misnamed(recipe: string | undefined, environment: string | null): string | null {
  if (recipe === undefined) {
    if (environment !== null) return null;
    return "Missing. Expected the judge's name, here or as JUDGE_MODEL.";
  }
  if (environment === null || environment === recipe) return null;
  return `Expected JUDGE_MODEL to be ${recipe} too, or not set, but found ${environment}.`;
}

/** The command line asks for hosts and the model alone, and does not look at the key; workers do. */
function withoutKey(name: string): string | undefined {
  return name === "JUDGE_API_KEY" ? undefined : Deno.env.get(name);
}

function shown({ done, total, failed, dollars, isAtMost }: AskProgress): Progress {
  const most = isAtMost ? "at most " : "";
  const notes = [
    ...(dollars === null ? [] : [`${most}$${dollars.toFixed(4)}`]),
    ...(failed === 0 ? [] : [`${failed} failed`]),
  ];
  return { done, total, unit: "judgments", ...(notes.length && { note: notes.join(", ") }) };
}
