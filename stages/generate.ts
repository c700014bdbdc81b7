import { z } from "../core/zod.ts";
import type { BenchmarkFiles } from "../eval/benchmark.ts";
import type { AnsweredTurn, Conversation } from "../eval/converse.ts";
import type { Decoding } from "../eval/reply_tokens.ts";
import { defineStage, type StageContext } from "../pipeline/stage.ts";
import { deviceParams, modelResources, ON_DEVICE, tf32OfGpu } from "./device_params.ts";
import { decodingByParams, generationParams } from "./generation_params.ts";

const params = z.strictObject({
  ...generationParams,
  ...deviceParams,
  limit: z.int().min(1).optional().describe(
    "Prompts to reply to, from the first, each prompt once; all if absent",
  ),
  temperatures: z.record(z.string(), z.number().min(0)).optional().describe(
    "Of a benchmark, instead of temperature: one for each category of its questions; 0 is greedy",
  ),
  stream: z.string().min(1).default("generate")
    .describe("Systems under different names draw independent replies, such as $method"),
  system: z.string().min(1).optional().describe(
    "Of a benchmark: the model's name in the harness's file, such as $method",
  ),
}).refine(...tf32OfGpu);

type Params = z.infer<typeof params>;

export default defineStage<Params>({
  name: "generate",
  describe: "Let a model reply to the prompts of pairs or of a benchmark, greedily or drawing",
  params,
  inputs: {
    policy: { type: "model", describe: "With a tokenizer, whose chat template is used" },
    pairs: {
      type: "pairs",
      optional: true,
      decides: "table",
      describe: "Held-out pairs: their prompts, and replies to compare with",
    },
    benchmark: {
      type: "benchmark",
      optional: true,
      describe: "Its prompts instead, turn by turn; the harness's file of answers is written, too",
    },
  },
  outputs: { replies: { type: "replies" } },
  checkInputs({ system, temperature, temperatures }, { pairs, benchmark }) {
    const refuse = (message: string, path = "system") => [{ path, message }];
    if (pairs.length + benchmark.length !== 1) {
      const found = pairs.length === 0 ? "neither" : "both";
      return refuse(`Expected either pairs or a benchmark to be wired but found ${found}.`);
    }
    if (temperatures !== undefined && (temperature !== undefined || benchmark.length === 0)) {
      const found = temperature === undefined ? "no benchmark is wired" : "temperature is given";
      return refuse(`Expected no temperatures of categories, since ${found}.`, "temperatures");
    }
    if ((system !== undefined) === (benchmark.length === 1)) return [];
    return refuse(
      system === undefined
        ? "Missing. Expected the model's name in the benchmark's files."
        : "Expected no name of a system, since no benchmark is wired.",
    );
  },
  ...ON_DEVICE,
  resources: (params) => ({ ...modelResources(params), native: ["onnxruntime"] }),
  estimateSeconds: () => 60,
  module: import.meta.url,
  async run(context) {
    const { params, input, output, signal, progress, log } = context;
    const { converse } = await import("../eval/converse.ts");
    const { loadTokenizer } = await import("../data/tokenizer/tokenizer.ts");
    const { openWriter } = await import("./open_writer.ts");
    const { conversations, chosen, benchmark } = await openPrompts(context);
    const total = conversations.reduce((sum, { followUps }) => sum + 1 + followUps.length, 0);
    const { path } = input("policy");
    const tokenizer = await loadTokenizer(path);
    await using writer = await openWriter(path, { ...params, tokenizer });
    log(`computed by ${writer.runtime}`);
    const decoding = decodingByParams(params);
    const answered = await converse(writer, {
      ...params,
      conversations,
      decoding,
      signal,
      onProgress: (done) => progress({ done, total, unit: "replies" }),
    });
    await keepReplies(answered, { chosen, decoding }, context);
    if (benchmark === null) return;
    const { writeAnswers } = await import("../eval/benchmark.ts");
    const answers = answered.map((turns) => turns.map(({ reply }) => reply.text));
    await writeAnswers(output("replies"), benchmark, { answers, system: params.system! });
  },
});

type Context = StageContext<Params>;

/** What the model is asked; the data's chosen replies to it, where there are. */
async function openPrompts({ params: { limit }, inputs }: Context): Promise<{
  readonly conversations: readonly Conversation[];
  readonly chosen: readonly string[] | null;
  readonly benchmark: BenchmarkFiles | null;
}> {
  const [pairs] = inputs("pairs");
  if (pairs !== undefined) {
    const { distinctPrompts, readPairs } = await import("../data/pairs_file.ts");
    const rows = await distinctPrompts(readPairs(pairs.path), limit);
    return {
      conversations: rows.map(({ id, prompt }) => ({
        ...{ id, opening: prompt, category: null, followUps: [] },
      })),
      chosen: rows.map(({ chosen }) => chosen),
      benchmark: null,
    };
  }
  const { openBenchmark, readConversations } = await import("../eval/benchmark.ts");
  const benchmark = await openBenchmark(inputs("benchmark")[0].path);
  const conversations = (await readConversations(benchmark)).slice(0, limit);
  return { conversations, chosen: null, benchmark };
}

/** Writes the replies, a row a turn, and says what was cut and what runs on. */
async function keepReplies(
  answered: readonly (readonly AnsweredTurn[])[],
  { chosen, decoding }: {
    readonly chosen: readonly string[] | null;
    readonly decoding: Decoding;
  },
  { output, log, warn }: Context,
): Promise<void> {
  const { messagesOf } = await import("../data/pair.ts");
  const { describeTruncation } = await import("../eval/reply_to_prompts.ts");
  const { writeReplies } = await import("../eval/reply_rows.ts");
  const { describeRunOns } = await import("../eval/run_ons.ts");
  const rows = answered.flatMap((turns, i) =>
    turns.map(({ id, prompt, reply: { tokens, ...reply }, promptTokens }) => ({
      ...{ id, prompt: messagesOf(prompt), ...reply },
      tokens: tokens.length,
      promptTokens: promptTokens.length,
      chosen: chosen?.[i] ?? null,
    }))
  );
  await writeReplies(output("replies"), rows, {
    decoding,
    sequences: answered.flat().map(({ promptTokens, reply: { tokens } }) => ({
      prompt: promptTokens,
      reply: tokens,
    })),
  });
  const cut = describeTruncation(answered.flat());
  if (cut !== null) warn(cut);
  const ended = rows.filter(({ stop }) => stop === "end").length;
  log(`${rows.length} replies, ${ended} of them end by themselves`);
  const runOns = describeRunOns(rows);
  if (runOns !== null) log(runOns);
}
