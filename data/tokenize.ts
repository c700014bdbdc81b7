import { sha256 } from "../core/digest.ts";
import { InputError } from "../core/problem.ts";
import type { PreferencePair, TokenizedPair } from "./pair.ts";
import { anyOf } from "./tokenizer/word_encoder.ts";
import type { ChatTemplate } from "./tokenizer/chat_template.ts";
import type { Tokenizer } from "./tokenizer/tokenizer.ts";

/** Which side of a pair lost tokens. */
export type Truncation = "none" | "prompt" | "replies" | "prompt-and-replies";

/** Numbers of tokens of a pair. */
export interface PairLengths {
  readonly prompt: number;
  readonly chosen: number;
  /** `null` for demonstrations. */
  readonly rejected: number | null;
}

/** A tokenized pair with what was seen on the way, for SQL and for the audit. */
export interface TokenizedRow extends TokenizedPair {
  /** Lengths before truncation. */
  readonly before: PairLengths;
  readonly truncation: Truncation;
  /** The tokenized generation prompt is no prefix of a tokenized conversation. */
  readonly boundaryMismatch: boolean;
  /** Chosen and rejected reply are the same text. */
  readonly identicalText: boolean;
  /** Replies that hold nothing but white space. */
  readonly chosenEmpty: boolean;
  readonly rejectedEmpty: boolean;
  /** Replies that still hold the end token after truncation. */
  readonly chosenEnded: boolean;
  readonly rejectedEnded: boolean;
  /** A text of the pair spells a special token, which the tokenizer then takes for one. */
  readonly specialInText: boolean;
  /** Digest (128 bits, hex) of the prompt's text. */
  readonly promptDigest: string;
  /** The same of the text in NFKC, lower case, each run of white space one blank. */
  readonly promptDigestNormalised: string;
}

/** How pairs become token ids. */
export interface TokenizeOptions {
  /** Most tokens of prompt and reply together. */
  readonly maxLength: number;
  /** Tokens that a prompt keeps once a pair is too long. */
  readonly maxPromptLength: number;
}

/**
 * The token ids of what precedes a reply: the rendered generation prompt under the tokenizer's chat
 * template, the text as it is without one. Nothing is truncated.
 */
export function tokenizePrompt(tokenizer: Tokenizer, prompt: string): Int32Array {
  const template = tokenizer.chatTemplate;
  if (template === null) return tokenizer.encode(prompt);
  const messages = [{ role: "user", content: prompt }] as const;
  return tokenizer.encode(template.render(messages, { addGenerationPrompt: true }));
}

/**
 * A function that turns pairs into token ids, by the rules that the paper's trainer followed.
 *
 * Boundary: the rendered conversation is tokenized whole; the prompt is the tokenized generation
 * prompt, the reply all of the whole after as many tokens, also where the prompt is no prefix of it
 * (`boundaryMismatch`). Without a chat template the texts are joined and the end token follows.
 *
 * Truncation: when the prompt and the longer reply exceed `maxLength`, the prompt keeps its *last*
 * `maxPromptLength` tokens; when they still do, both replies keep their *first*
 * `maxLength − maxPromptLength`, even if the prompt left more room.
 *
 * @throws RangeError when the lengths are no positive integers with `maxPromptLength` the smaller
 * @throws InputError when the tokenizer has no end token, or cannot write a pair
 */
export function pairTokenizer(
  tokenizer: Tokenizer,
  options: TokenizeOptions,
): (pair: PreferencePair) => TokenizedRow {
  checkOptions(options);
  const { eosId, chatTemplate } = tokenizer;
  if (eosId === null) {
    throw new InputError([{
      path: `${tokenizer.folder}/tokenizer_config.json`,
      message: "Expected an eos_token, which ends every reply, but found none.",
    }]);
  }
  const whole = (prompt: string, reply: string) =>
    chatTemplate === null
      ? append(tokenizer.encode(prompt + reply), eosId)
      : tokenizer.encode(renderPair(chatTemplate, prompt, reply));
  const promptFacts = remember((text: string) => ({
    prompt: tokenizePrompt(tokenizer, text),
    promptDigest: digestText(text),
    promptDigestNormalised: digestText(normalise(text)),
  }));
  const special = anyOf(tokenizer.specialTokens);
  return (pair) => {
    const { prompt, ...digests } = promptFacts(pair.prompt);
    const chosen = split(prompt, whole(pair.prompt, pair.chosen));
    const rejected = pair.rejected === undefined
      ? null
      : split(prompt, whole(pair.prompt, pair.rejected));
    const full = { prompt, chosen: chosen.reply, rejected: rejected && rejected.reply };
    const kept = truncate(full, options);
    return {
      id: pair.id,
      ...kept.pair,
      before: {
        prompt: prompt.length,
        chosen: full.chosen.length,
        rejected: full.rejected && full.rejected.length,
      },
      truncation: kept.truncation,
      boundaryMismatch: !chosen.isPrefix || rejected?.isPrefix === false,
      identicalText: pair.chosen === pair.rejected,
      chosenEmpty: pair.chosen.trim() === "",
      rejectedEmpty: pair.rejected?.trim() === "",
      chosenEnded: kept.pair.chosen.includes(eosId),
      rejectedEnded: kept.pair.rejected?.includes(eosId) ?? true,
      specialInText: special !== null &&
        [pair.prompt, pair.chosen, pair.rejected ?? ""].some((text) => special.test(text)),
      ...digests,
    };
  };
}

/** Prompts often come again: each is worked out once while it is among the latest few thousand. */
function remember<T>(workOut: (text: string) => T): (text: string) => T {
  const known = new Map<string, T>();
  return (text) => {
    let value = known.get(text);
    if (value === undefined) {
      if (known.size >= 4096) known.clear();
      value = workOut(text);
      known.set(text, value);
    }
    return value;
  };
}

function renderPair(template: ChatTemplate, prompt: string, reply: string): string {
  const messages = [
    { role: "user", content: prompt },
    { role: "assistant", content: reply },
  ] as const;
  return template.render(messages, { addGenerationPrompt: false });
}

function append(ids: Int32Array, last: number): Int32Array {
  const longer = new Int32Array(ids.length + 1);
  longer.set(ids);
  longer[ids.length] = last;
  return longer;
}

function split(prompt: Int32Array, whole: Int32Array) {
  return {
    reply: whole.slice(prompt.length),
    isPrefix: prompt.every((id, i) => id === whole[i]),
  };
}

type Tokens = Pick<TokenizedPair, "prompt" | "chosen" | "rejected">;

/**
 * Cuts a pair down to `maxLength` tokens, prompt first, then both replies alike.
 */
export function truncate(
  pair: Tokens,
  { maxLength, maxPromptLength }: TokenizeOptions,
): { pair: Tokens; truncation: Truncation } {
  const longer = Math.max(pair.chosen.length, pair.rejected?.length ?? 0);
  if (pair.prompt.length + longer <= maxLength) return { pair, truncation: "none" };
  const prompt = truncatePrompt(pair.prompt, maxPromptLength);
  const promptCut = prompt.length < pair.prompt.length;
  if (prompt.length + longer <= maxLength) {
    return { pair: { ...pair, prompt }, truncation: "prompt" };
  }
  const room = maxLength - maxPromptLength;
  const cut = {
    prompt,
    chosen: pair.chosen.slice(0, room),
    rejected: pair.rejected && pair.rejected.slice(0, room),
  };
  return { pair: cut, truncation: promptCut ? "prompt-and-replies" : "replies" };
}

/** The last tokens of a prompt that is too long: those nearest to the reply. */
export function truncatePrompt(prompt: Int32Array, maxPromptLength: number): Int32Array {
  return prompt.slice(-maxPromptLength);
}

function checkOptions({ maxLength, maxPromptLength }: TokenizeOptions): void {
  for (const [name, value] of Object.entries({ maxLength, maxPromptLength })) {
    if (!Number.isInteger(value) || value < 1) {
      throw new RangeError(`Expected ${name} to be an integer greater than 0 but found ${value}.`);
    }
  }
  if (maxPromptLength >= maxLength) {
    throw new RangeError(
      `Expected maxPromptLength to be below maxLength (${maxLength}) but found ${maxPromptLength}.`,
    );
  }
}

function normalise(text: string): string {
  return text.normalize("NFKC").toLowerCase().replace(/\s+/gu, " ").trim();
}

function digestText(text: string): string {
  return sha256(text).slice(0, 32);
}
