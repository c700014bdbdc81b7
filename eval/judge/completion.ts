import { z } from "../../core/zod.ts";

const tokenLogprob = z.object({ token: z.string(), logprob: z.number() });

/** What is read of a chat completion; endpoints add fields of their own. */
const completion = z.object({
  choices: z.array(z.object({
    message: z.object({ content: z.string().nullish() }),
    finish_reason: z.string().nullish(),
    logprobs: z.object({
      content: z.array(tokenLogprob.extend({ top_logprobs: z.array(tokenLogprob).nullish() }))
        .nullish(),
    }).nullish(),
  })).min(1),
  usage: z.object({
    prompt_tokens: z.number().min(0),
    completion_tokens: z.number().min(0),
  }).nullish(),
});

/** A judge's answer. */
export interface Completion {
  readonly text: string;
  /** `stop`, `length`, … as the endpoint says; null where it does not. */
  readonly finish: string | null;
  /** Log-probs (nats) of the likeliest first tokens; null where there are none. */
  readonly firstToken: ReadonlyMap<string, number> | null;
  /** Tokens as the endpoint counted them; null where it does not. */
  readonly usage: { readonly promptTokens: number; readonly completionTokens: number } | null;
}

/** Reads the raw answer of an endpoint; null for what is no chat completion. */
export function readCompletion(raw: string): Completion | null {
  let value: unknown;
  try {
    value = JSON.parse(raw);
  } catch {
    return null;
  }
  const parsed = completion.safeParse(value);
  if (!parsed.success) return null;
  const { choices: [{ message, finish_reason, logprobs }], usage } = parsed.data;
  const first = logprobs?.content?.[0]?.top_logprobs;
  return {
    text: message.content ?? "",
    finish: finish_reason ?? null,
    firstToken: first ? new Map(first.map(({ token, logprob }) => [token, logprob])) : null,
    usage: usage
      ? { promptTokens: usage.prompt_tokens, completionTokens: usage.completion_tokens }
      : null,
  };
}
