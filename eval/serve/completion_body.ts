import type { AnswerPart, AnswerToken } from "./answer.ts";
import type { AnswerWriter } from "./answer_body.ts";

/** How `/v1/completions` writes its answers. */
export const completionWriter: AnswerWriter = {
  idPrefix: "cmpl-",
  object: "text_completion",
  chunkObject: "text_completion",
  choice: (choice) => ({
    text: choice.text,
    index: choice.choice,
    logprobs: choice.scored ? logprobsOf(choice.tokens) : null,
    finish_reason: choice.finish,
  }),
  begin: () => [],
  chunk: (part: AnswerPart, scored) => ({
    text: part.text,
    index: part.choice,
    logprobs: scored ? logprobsOf(part.tokens) : null,
    finish_reason: part.finish,
  }),
};

function logprobsOf(tokens: readonly AnswerToken[]) {
  return {
    tokens: tokens.map(({ text }) => text),
    token_logprobs: tokens.map(({ logprob }) => logprob),
    top_logprobs: tokens.map(topOf),
    text_offset: tokens.map(({ offset }) => offset),
  };
}

/** The likeliest tokens and the one that is there, by text; of those of one text the likeliest. */
function topOf({ text, logprob, top }: AnswerToken): Record<string, number> | null {
  if (top === null || logprob === null) return null;
  const byText = new Map<string, number>();
  for (const other of [...top, { text, logprob }]) {
    if (!byText.has(other.text)) byText.set(other.text, other.logprob);
  }
  return Object.fromEntries(byText);
}
