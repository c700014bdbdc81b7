import type { AnswerPart, AnswerToken } from "./answer.ts";
import type { Usage } from "./answer_prompts.ts";

/** An answer as a whole. */
export interface Choice {
  readonly choice: number;
  readonly text: string;
  readonly tokens: readonly AnswerToken[];
  readonly finish: AnswerPart["finish"];
  /** Whether log-probabilities were asked for. */
  readonly scored: boolean;
}

/** How one of the endpoints writes answers. */
export interface AnswerWriter {
  readonly idPrefix: string;
  readonly object: string;
  readonly chunkObject: string;
  /** A whole answer. */
  choice(choice: Choice): object;
  /** What a stream begins with, for so many answers. */
  begin(choices: number): readonly object[];
  /** A part of an answer, as a stream sends it. */
  chunk(part: AnswerPart, scored: boolean): object;
}

/** What names an answer: the same in each chunk of a stream. */
export interface AnswerHead {
  readonly id: string;
  /** Seconds since 1970. */
  readonly created: number;
  readonly model: string;
}

/** The parts of a request's answers, put together, in the answers' order. */
export function joinParts(
  parts: readonly AnswerPart[],
  { choices, scored }: { readonly choices: number; readonly scored: boolean },
): Choice[] {
  const byChoice = Map.groupBy(parts, ({ choice }) => choice);
  return Array.from({ length: choices }, (_, choice) => {
    const own = byChoice.get(choice) ?? [];
    return {
      choice,
      text: own.map(({ text }) => text).join(""),
      tokens: own.flatMap(({ tokens }) => tokens),
      finish: own.at(-1)?.finish ?? null,
      scored,
    };
  });
}

/** OpenAI's form of the usage. */
export function usageBody({ promptTokens, completionTokens }: Usage) {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  };
}
