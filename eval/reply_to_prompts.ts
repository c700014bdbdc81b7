import { InputError, type Problem, problemsOf, refuseProblems } from "../core/problem.ts";
import { messagesOf, type Prompt } from "../data/pair.ts";
import { tokenizePrompt, truncatePrompt } from "../data/tokenize.ts";
import type { Tokenizer } from "../data/tokenizer/tokenizer.ts";
import type { ModelConfig } from "../train/models/config.ts";
import type { TokenDecoder } from "../train/models/token_decoder.ts";
import { type RunOnSign, runOnSigns, turnHeaders } from "./run_ons.ts";
import { generate, type GenerationRequest, type Reply } from "./generate.ts";

/** A conversation to be continued by a reply. */
export interface PromptMessages {
  /** Names its stream of random numbers. */
  readonly id: string;
  /** Names it in messages, such as `prompts.jsonl:3`; its id unless given. */
  readonly where?: string;
  readonly prompt: Prompt;
}

/** A model, opened to write. */
export interface ReplyingModel {
  readonly config: Pick<ModelConfig, "maxPositions" | "slidingWindow" | "eosTokenIds">;
  readonly tokenizer: Tokenizer;
  readonly decoder: TokenDecoder;
}

/** What to reply to, and how. */
export interface ReplyRequest
  extends Pick<GenerationRequest, "samples" | "decoding" | "maxNewTokens" | "signal"> {
  readonly prompts: readonly PromptMessages[];
  /** Tokens that a longer prompt keeps, its last; unless given, what the model has positions for. */
  readonly maxPromptLength?: number;
  /** Called with the number of finished replies whenever there are more. */
  readonly onProgress?: (done: number) => void;
}

/** One reply as text. */
export interface TextReply {
  /** Without special tokens. */
  readonly text: string;
  readonly stop: Reply["stop"];
  /** All that was generated, the end token included. */
  readonly tokens: Int32Array;
  /** What makes it look like a run-on. */
  readonly runOn: readonly RunOnSign[];
}

/** The replies to one prompt. */
export interface RepliedPrompt {
  /** What the model read. */
  readonly promptTokens: Int32Array;
  /** Whether there were more. */
  readonly truncated: boolean;
  readonly replies: readonly TextReply[];
}

/**
 * Replies to conversations: each is rendered by the chat template, with what precedes a reply, and
 * tokenized whole; the end tokens of the tokenizer and of the model end a reply.
 *
 * @returns for each prompt, in order, its replies
 * @throws InputError with up to 20 prompts that cannot be rendered or are empty, when the model has not so
 * many positions, or when there is no end token
 */
export async function replyToPrompts(
  { config, tokenizer, decoder }: ReplyingModel,
  request: ReplyRequest,
): Promise<RepliedPrompt[]> {
  const most = longestPrompt(config, request);
  const stopTokens = endTokens(tokenizer, config);
  const prompts = tokenizePrompts(tokenizer, request);
  const read = prompts.map(({ id, tokens }) => ({ id, tokens: truncatePrompt(tokens, most) }));
  const replies = await generate(decoder, { ...request, stopTokens, prompts: read });
  const headers = turnHeaders(tokenizer);
  return prompts.map(({ tokens }, i) => ({
    promptTokens: read[i].tokens,
    truncated: tokens.length > most,
    replies: replies[i].map((reply) => textReply(reply, tokenizer, headers)),
  }));
}

function textReply(
  { tokens, stop }: Reply,
  tokenizer: Tokenizer,
  headers: readonly string[],
): TextReply {
  const said = stop === "end" ? tokens.subarray(0, -1) : tokens;
  const spelled = tokenizer.decode(said, { keepSpecialTokens: true });
  return {
    text: tokenizer.decode(said),
    stop,
    tokens,
    runOn: runOnSigns({ text: spelled, stop }, headers),
  };
}

/** How many prompts were cut, as a sentence; null for none. */
export function describeTruncation(
  replies: readonly Omit<RepliedPrompt, "replies">[],
): string | null {
  const cut = replies.filter(({ truncated }) => truncated);
  if (cut.length === 0) return null;
  return `${cut.length} of ${replies.length} prompts were too long and kept their last ` +
    `${cut[0].promptTokens.length} tokens`;
}

function longestPrompt(
  { maxPositions, slidingWindow }: ReplyingModel["config"],
  { maxNewTokens, maxPromptLength }: ReplyRequest,
): number {
  const positions = Math.min(maxPositions, slidingWindow ?? Infinity);
  const room = positions - maxNewTokens;
  if (room < 1) {
    throw new InputError([{
      path: "maxNewTokens",
      message: `Expected fewer new tokens than the model's ${positions} positions but found ` +
        `${maxNewTokens}.`,
    }]);
  }
  if (maxPromptLength === undefined || maxPromptLength <= room) return maxPromptLength ?? room;
  throw new InputError([{
    path: "maxPromptLength",
    message:
      `Expected at most ${room} tokens, what ${maxNewTokens} new ones leave of the model's ` +
      `${positions} positions, but found ${maxPromptLength}.`,
  }]);
}

/**
 * The tokens that end a reply: the tokenizer's and the model's.
 *
 * @throws InputError when there is none
 */
export function endTokens(tokenizer: Tokenizer, config: ReplyingModel["config"]): number[] {
  const own = tokenizer.eosId === null ? [] : [tokenizer.eosId];
  const all = [...new Set([...own, ...config.eosTokenIds])];
  if (all.length > 0) return all;
  throw new InputError([{
    path: tokenizer.folder,
    message: "Expected an eos_token, which ends every reply, but found none.",
  }]);
}

function tokenizePrompts(
  tokenizer: Tokenizer,
  { prompts }: ReplyRequest,
): { id: string; tokens: Int32Array }[] {
  const problems: Problem[] = [];
  const tokenized = prompts.flatMap(({ id, prompt, where = id }) => {
    try {
      const tokens = tokenizePrompt(tokenizer, prompt);
      if (tokens.length > 0) return [{ id, tokens }];
      problems.push({ path: where, message: "Expected a prompt but found an empty text." });
    } catch (error) {
      problems.push(...problemsOf(error).map(({ message }) => ({ path: where, message })));
    }
    return [];
  });
  refuseProblems(problems);
  return tokenized;
}

/**
 * Prompts with a system message before each.
 *
 * @throws InputError naming up to 20 prompts that have one already, and how many more there are
 */
export function withSystem(prompts: readonly PromptMessages[], system: string): PromptMessages[] {
  const begins = ({ prompt }: PromptMessages) => messagesOf(prompt)[0].role === "system";
  refuseProblems(
    prompts.filter(begins).map(({ id, where = id }) => ({
      path: where,
      message: "Expected no system message, where --system gives one, but found one.",
    })),
  );
  return prompts.map((one) => ({
    ...one,
    prompt: [{ role: "system", content: system }, ...messagesOf(one.prompt)],
  }));
}
