import { InputError, nearest } from "../../core/problem.ts";
import type { Message } from "../../data/pair.ts";
import { tokenizePrompt } from "../../data/tokenize.ts";
import type { AnswerPrompt } from "./answer_prompts.ts";
import {
  type ApiRequest,
  isEmpty,
  MOST_TOP,
  readCommon,
  readMaxTokens,
  type RequestContext,
} from "./api_request.ts";
import { RequestFields, shownValue } from "./request_fields.ts";
import type { ServedModel } from "./served_model.ts";

const ROLES = ["system", "user", "assistant"] as const;

/**
 * Reads the body of `POST /v1/chat/completions`: the model's own chat template renders the messages,
 * with what precedes a reply. Unless told, an answer may be as long as there is room for.
 *
 * @throws InputError with every field that is wrong or not implemented, and for messages that the
 * template refuses
 * @throws ApiError when it is no object, is for another model, or is too long for this one
 */
export function readChatRequest(body: unknown, context: RequestContext): ApiRequest {
  const { model } = context;
  const fields = new RequestFields(body);
  const { decoding, samples, stop, ...how } = readCommon(fields, context);
  const messages = readMessages(fields);
  const wantsLogprobs = fields.flag("logprobs");
  const top = fields.number("top_logprobs", { least: 0, most: MOST_TOP, integer: true }, null);
  if (top !== null && !wantsLogprobs) {
    fields.problem("top_logprobs", "Expected it only where logprobs is true.");
  }
  const names = ["max_completion_tokens", "max_tokens"];
  const maxTokensFor = readMaxTokens(fields, { names, least: 1, usual: null }, model);
  refuseTools(fields);
  fields.finish();
  const prompts = [renderPrompt(model, messages)];
  const maxTokens = maxTokensFor(prompts);
  const logprobs = wantsLogprobs ? top ?? 0 : null;
  return { ...how, answer: { prompts, samples, decoding, maxTokens, stop, echo: false, logprobs } };
}

function refuseTools(fields: RequestFields): void {
  const isText = (value: unknown) => (value as { type?: unknown }).type === "text";
  fields.neutral("response_format", '{"type": "text"}', isText);
  fields.neutral("tools", "no tools", isEmpty);
  fields.neutral("tool_choice", '"none"', (value) => value === "none");
  fields.neutral("functions", "no functions", isEmpty);
  fields.ignore("parallel_tool_calls");
}

function readMessages(fields: RequestFields): Message[] {
  const value = fields.value("messages");
  if (!Array.isArray(value) || value.length === 0) {
    fields.refuse("messages", "a list of messages {role, content}");
    return [];
  }
  return value.flatMap((message, i) => readMessage(message, `messages[${i}]`, fields));
}

function readMessage(message: unknown, path: string, fields: RequestFields): Message[] {
  if (typeof message !== "object" || message === null) {
    fields.problem(path, `Expected {role, content} but found ${shownValue(message)}.`);
    return [];
  }
  // lm-evaluation-harness sends `type: "text"` beside the content.
  const { role, content, type = "text", ...others } = message as Record<string, unknown>;
  for (const [key, value] of Object.entries(others)) {
    if (value === null || isEmpty(value)) continue;
    const found = `${key}: ${shownValue(value)}`;
    fields.problem(path, `Expected role and content alone but found ${found}.`);
  }
  const known = ROLES.find((name) => name === role);
  if (known === undefined) {
    fields.problems.push({
      path: `${path}.role`,
      message: `Expected ${ROLES.join(", ")} but found ${shownValue(role)}.`,
      nearest: typeof role === "string" ? nearest(role, ROLES) : undefined,
    });
  }
  const text = type === "text" ? textOf(content) : null;
  if (text === null) {
    const found = shownValue(content);
    fields.problem(`${path}.content`, `Expected a text or parts of text but found ${found}.`);
  }
  return known === undefined || text === null ? [] : [{ role: known, content: text }];
}

/** A text, or the texts of a list of parts `{type: "text", text}` together; null for others. */
function textOf(content: unknown): string | null {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return null;
  const texts = content.map((part) => part?.type === "text" ? part.text : null);
  return texts.every((text) => typeof text === "string") ? texts.join("") : null;
}

function renderPrompt({ tokenizer }: ServedModel, messages: readonly Message[]): AnswerPrompt {
  if (tokenizer.chatTemplate === null) {
    const message = "Expected a model with a chat template but found none: use /v1/completions.";
    throw new InputError([{ path: "messages", message }]);
  }
  try {
    const tokens = tokenizePrompt(tokenizer, messages);
    if (tokens.length > 0) return { text: null, tokens };
    const message = "Expected messages of one token or more but found none.";
    throw new InputError([{ path: "messages", message }]);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    // Not under the template's path, which is the server's own.
    throw new InputError(error.problems.map(({ message }) => ({ path: "messages", message })));
  }
}
