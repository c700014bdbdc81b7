import { InputError } from "../../core/problem.ts";
import type { AnswerPrompt } from "./answer_prompts.ts";
import {
  type ApiRequest,
  MOST_TOP,
  readCommon,
  readMaxTokens,
  type RequestContext,
} from "./api_request.ts";
import { RequestFields } from "./request_fields.ts";
import type { ServedModel } from "./served_model.ts";

/** New tokens of a completion that does not say how many, as OpenAI has it. */
const USUAL_TOKENS = 16;

/** Most answers of one request, those to all its prompts together. */
const MOST_ANSWERS = 1024;

/**
 * Reads the body of `POST /v1/completions`. Texts are tokenized as they stand: special tokens in them
 * are recognised, and none is added.
 *
 * @throws InputError with every field that is wrong or not implemented
 * @throws ApiError when it is no object, is for another model, or is too long for this one
 */
export function readCompletionRequest(body: unknown, context: RequestContext): ApiRequest {
  const { model } = context;
  const fields = new RequestFields(body);
  const { decoding, samples, stop, ...how } = readCommon(fields, context);
  const prompts = readPrompts(fields, model);
  const echo = fields.flag("echo");
  const logprobs = fields.number("logprobs", { least: 0, most: MOST_TOP, integer: true }, null);
  const limit = { names: ["max_tokens"], least: echo ? 0 : 1, usual: USUAL_TOKENS };
  const maxTokensFor = readMaxTokens(fields, limit, model);
  fields.neutral("best_of", "as many as n", (value) => value === samples);
  fields.neutral("suffix", "no suffix", (value) => value === "");
  if (prompts.length * samples > MOST_ANSWERS) {
    const found = `${prompts.length} prompts and n ${samples}`;
    fields.problem("n", `Expected at most ${MOST_ANSWERS} answers together but found ${found}.`);
  }
  fields.finish();
  const maxTokens = maxTokensFor(prompts);
  return { ...how, answer: { prompts, samples, decoding, maxTokens, stop, echo, logprobs } };
}

/** A text, texts, token ids, or lists of token ids. */
function readPrompts(fields: RequestFields, model: ServedModel): AnswerPrompt[] {
  const value = fields.value("prompt");
  const list = Array.isArray(value) && !value.every(isNumber) ? value : [value];
  if (list.length > MOST_ANSWERS) {
    fields.problem("prompt", `Expected at most ${MOST_ANSWERS} prompts but found ${list.length}.`);
    return [];
  }
  return list.flatMap((prompt, i) => {
    const path = list === value ? `prompt[${i}]` : "prompt";
    const read = readPrompt(prompt, path, { fields, model });
    if (read === null) return [];
    if (read.tokens.length > 0) return [read];
    fields.problem(path, "Expected a prompt of one token or more but found none.");
    return [];
  });
}

function readPrompt(
  prompt: unknown,
  path: string,
  { fields, model }: { readonly fields: RequestFields; readonly model: ServedModel },
): AnswerPrompt | null {
  try {
    if (typeof prompt === "string") {
      return { text: prompt, tokens: model.tokenizer.encode(prompt) };
    }
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    for (const { message } of error.problems) fields.problem(path, message);
    return null;
  }
  if (!Array.isArray(prompt) || !prompt.every(isNumber)) {
    fields.problem(
      path,
      "Expected a text, token ids, or a list of either but found something else.",
    );
    return null;
  }
  const { vocabSize } = model.config;
  const foreign = prompt.find((id) => !(Number.isInteger(id) && id >= 0 && id < vocabSize));
  if (foreign === undefined) return { text: null, tokens: Int32Array.from(prompt) };
  fields.problem(path, `Expected token ids from 0 to ${vocabSize - 1} but found ${foreign}.`);
  return null;
}

function isNumber(value: unknown): value is number {
  return typeof value === "number";
}
