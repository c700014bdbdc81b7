import type { AnswerToken } from "./answer.ts";
import type { AnswerWriter } from "./answer_body.ts";

/** How `/v1/chat/completions` writes its answers. */
export const chatWriter: AnswerWriter = {
  idPrefix: "chatcmpl-",
  object: "chat.completion",
  chunkObject: "chat.completion.chunk",
  choice: (choice) => ({
    index: choice.choice,
    message: { role: "assistant", content: choice.text, refusal: null },
    logprobs: choice.scored ? logprobsOf(choice.tokens) : null,
    finish_reason: choice.finish,
  }),
  begin: (choices) =>
    Array.from({ length: choices }, (_, index) => ({
      index,
      delta: { role: "assistant", content: "" },
      logprobs: null,
      finish_reason: null,
    })),
  chunk: (part, scored) => ({
    index: part.choice,
    delta: part.text === "" ? {} : { content: part.text },
    logprobs: scored ? logprobsOf(part.tokens) : null,
    finish_reason: part.finish,
  }),
};

function logprobsOf(tokens: readonly AnswerToken[]) {
  const entry = ({ text, logprob }: Pick<AnswerToken, "text" | "logprob">) => ({
    token: text,
    logprob,
    bytes: [...new TextEncoder().encode(text)],
  });
  return {
    content: tokens.map((token) => ({
      ...entry(token),
      top_logprobs: (token.top ?? []).map(entry),
    })),
    refusal: null,
  };
}
