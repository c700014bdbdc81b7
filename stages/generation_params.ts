import { z } from "../core/zod.ts";
import type { SeededSampling } from "../eval/generate.ts";
import type { Decoding } from "../eval/reply_tokens.ts";

/** Parameters of stages that write replies. */
export const generationParams = {
  maxNewTokens: z.int().min(1).describe("Most tokens of a reply, its end token included"),
  maxPromptLength: z.int().min(1).optional().describe(
    "Last tokens that a longer prompt keeps; what the model has positions for unless given",
  ),
  temperature: z.number().gt(0).optional().describe("Draw tokens at it; greedy unless given"),
  topP: z.number().gt(0).max(1).default(1).describe("Nucleus of drawn tokens; 1 for all"),
  topK: z.int().min(1).optional().describe("Draw from the most likely tokens; all unless given"),
  seed: z.int().min(0).default(0).describe("Seed of the drawn tokens"),
  threads: z.int().min(1).describe("Threads of the model"),
};

/** Greedy, by a temperature, or by those of a benchmark's categories. */
export function decodingByParams(
  { temperatures, stream, ...params }: GenerationParams & {
    readonly temperatures?: Readonly<Record<string, number>>;
    readonly stream: string;
  },
): Decoding {
  if (temperatures === undefined) return decodingOf(params, stream);
  const byCategory = Object.entries(temperatures).map(([category, temperature]) => [
    category,
    decodingOf({ ...params, temperature: temperature === 0 ? undefined : temperature }, stream),
  ]);
  return { byCategory: Object.fromEntries(byCategory) };
}

type GenerationParams = z.infer<z.ZodObject<typeof generationParams>>;

/** Greedy, unless there is a temperature. */
export function decodingOf(
  { temperature, topP, topK, seed }: GenerationParams,
  stream: string,
): "greedy" | SeededSampling {
  return temperature === undefined ? "greedy" : { temperature, topP, topK, seed, stream };
}
