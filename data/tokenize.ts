import { sha256 } from "../core/digest.ts";
import { requirePositiveIntegers } from "../core/positive_integers.ts";
import { collectProblems, InputError, problemsOf } from "../core/problem.ts";
import {
  messagesOf,
  type PreferencePair,
  type Prompt,
  textsOf,
  type TokenIds,
  type TokenizedPair,
} from "./pair.ts";
import { anyOf } from "./tokenizer/added_token_sections.ts";
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

/** Digests (128 bits, hex) by which prompts of two sets can be compared. */
export interface PromptDigests {
  readonly promptDigest: string;
  /** The same of the text in NFKC, lower case, each run of white space one blank. */
  readonly promptDigestNormalised: string;
}

/** A tokenized pair with what was seen on the way, for SQL and for the audit. */
export interface TokenizedRow extends TokenizedPair, PromptDigests {
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
 *
 * @throws InputError for a prompt of messages when the tokenizer has no chat template, or one that
 * refuses them
 */
export function tokenizePrompt(tokenizer: Tokenizer, prompt: Prompt): Int32Array {
  return tokenizer.encode(renderPrompt(tokenizer, prompt));
}

/** Turns pairs into token ids; see `pairTokenizer`. */
export interface PairTokenizer {
  /**
   * The row of a pair.
   *
   * @throws InputError naming the pair, when the chat template refuses it or no token writes it
   */
  (pair: PreferencePair): TokenizedRow;
  /**
   * The same rows for many pairs, whose texts are encoded together, which is faster.
   *
   * @throws InputError naming every pair that the chat template refuses or no token writes
   */
  all(pairs: readonly PreferencePair[]): Promise<TokenizedRow[]>;
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
 * @throws InputError when the tokenizer has no end token
 */
export function pairTokenizer(tokenizer: Tokenizer, options: TokenizeOptions): PairTokenizer {
  checkOptions(options);
  const { eosId } = tokenizer;
  if (eosId === null) {
    throw new InputError([{
      path: `${tokenizer.folder}/tokenizer_config.json`,
      message: "Expected an eos_token, which ends every reply, but found none.",
    }]);
  }
  const isEnded = endCheck(tokenizer, eosId);
  const facts = textFacts(tokenizer.specialTokens);
  const texts = (pair: PreferencePair) => renderTexts(tokenizer, pair);
  const rowOf = (pair: PreferencePair, encoded: readonly Int32Array[]): TokenizedRow => {
    const ended = tokenizer.chatTemplate === null
      ? encoded.map((ids, i) => i === 0 ? ids : append(ids, eosId))
      : encoded;
    const tokens = tokensOf(ended, options);
    return {
      id: pair.id,
      ...tokens,
      ...facts(pair),
      chosenEnded: isEnded(pair.prompt, tokens.chosen),
      rejectedEnded: tokens.rejected === null || isEnded(pair.prompt, tokens.rejected),
    };
  };
  const tokenize = (pair: PreferencePair) =>
    named(pair, () => rowOf(pair, texts(pair).map((text) => tokenizer.encode(text))));
  const together = async (pairs: readonly PreferencePair[]) => {
    const given = pairs.map(texts);
    const encoded = await tokenizer.encodeAll(given.flat());
    let at = 0;
    return pairs.map((pair, i) => rowOf(pair, encoded.slice(at, at += given[i].length)));
  };
  // Which of many pairs cannot be written shows when each is tried alone.
  const all = (pairs: readonly PreferencePair[]) =>
    together(pairs).catch((error) => {
      if (!(error instanceof InputError)) throw error;
      return collectProblems(pairs.map((pair) => () => tokenize(pair)));
    });
  return Object.assign(tokenize, { all });
}

/**
 * Whether a reply holds the end token that the template writes, or that is put behind it without one: what
 * follows the last one is what the template lets follow, or the beginning of that where it was cut. One that
 * the reply's own text spells ends nothing.
 */
function endCheck(tokenizer: Tokenizer, eosId: number) {
  let end: TokenIds | null = null;
  const behind = (ids: TokenIds) => ids.subarray(ids.lastIndexOf(eosId) + 1);
  return (prompt: Prompt, ids: TokenIds): boolean => {
    if (!ids.includes(eosId)) return false;
    // The same behind every reply.
    end ??= tokenizer.chatTemplate === null
      ? Int32Array.of(eosId)
      : tokenizer.encode(textBehindReply(tokenizer.chatTemplate, prompt));
    const tail = behind(end);
    return end.includes(eosId) && behind(ids).every((id, i) => id === tail[i]);
  };
}

/** What a chat template writes behind a reply. */
function textBehindReply(template: ChatTemplate, prompt: Prompt): string {
  const reply = "\uE000";
  return renderPair(template, prompt, reply).split(reply).at(-1)!;
}

/** Runs an action on a pair; what is wrong is told with the pair's id. */
function named<T>({ id }: PreferencePair, action: () => T): T {
  try {
    return action();
  } catch (error) {
    const problems = problemsOf(error);
    throw new InputError(problems.map((one) => ({ ...one, path: `pair ${id}: ${one.path}` })));
  }
}

/** The texts of a pair to be encoded: what precedes the reply, then the whole with each reply. */
function renderTexts(tokenizer: Tokenizer, pair: PreferencePair): string[] {
  const { chatTemplate } = tokenizer;
  const { prompt, chosen, rejected } = pair;
  const replies = rejected === undefined ? [chosen] : [chosen, rejected];
  return [
    renderPrompt(tokenizer, prompt),
    ...replies.map((reply) =>
      chatTemplate === null
        ? plainText(tokenizer, prompt) + reply
        : renderPair(chatTemplate, prompt, reply)
    ),
  ];
}

function renderPrompt(tokenizer: Tokenizer, prompt: Prompt): string {
  const template = tokenizer.chatTemplate;
  if (template === null) return plainText(tokenizer, prompt);
  return template.render(messagesOf(prompt), { addGenerationPrompt: true });
}

/** A prompt as it stands where no template says how messages are written. */
function plainText({ folder }: Tokenizer, prompt: Prompt): string {
  if (typeof prompt === "string") return prompt;
  const roles = prompt.map(({ role }) => role).join(", ");
  throw new InputError([{
    path: folder,
    message: `Expected a chat template, which a prompt of several messages (${roles}) needs, but ` +
      "found none.",
  }]);
}

/** What the token ids of a pair's texts (see `renderTexts`) make of it. */
function tokensOf([prompt, ...wholes]: readonly Int32Array[], options: TokenizeOptions) {
  const [chosen, rejected = null] = wholes.map((whole) => split(prompt, whole));
  const full = { prompt, chosen: chosen.reply, rejected: rejected && rejected.reply };
  const { pair, truncation } = truncate(full, options);
  return {
    ...pair,
    truncation,
    before: {
      prompt: prompt.length,
      chosen: full.chosen.length,
      rejected: full.rejected && full.rejected.length,
    },
    boundaryMismatch: !chosen.isPrefix || rejected?.isPrefix === false,
  };
}

/** What the texts of a pair tell without tokens. */
function textFacts(specialTokens: readonly string[]) {
  const special = anyOf(specialTokens);
  const digests = remember(digestPrompt);
  return (pair: PreferencePair) => ({
    identicalText: pair.chosen === pair.rejected,
    chosenEmpty: pair.chosen.trim() === "",
    rejectedEmpty: pair.rejected?.trim() === "",
    specialInText: special !== null && textsOf(pair).some((text) => special.test(text)),
    ...digests(pair.prompt),
  });
}

/** Prompts often come again: each is worked out once while it is among the latest few thousand. */
function remember<T>(workOut: (prompt: Prompt) => T): (prompt: Prompt) => T {
  const known = new Map<string, T>();
  return (prompt) => {
    // A letter before each, so that no text is taken for a list of messages.
    const key = `${typeof prompt === "string" ? "t" : "m"}${identity(prompt)}`;
    let value = known.get(key);
    if (value === undefined) {
      if (known.size >= 4096) known.clear();
      value = workOut(prompt);
      known.set(key, value);
    }
    return value;
  };
}

/** What tells prompts apart: a text is itself, messages are a list of roles and contents. */
function identity(prompt: Prompt, change = (text: string) => text): string {
  if (typeof prompt === "string") return change(prompt);
  return JSON.stringify(prompt.map(({ role, content }) => [role, change(content)]));
}

function renderPair(template: ChatTemplate, prompt: Prompt, reply: string): string {
  const messages = [...messagesOf(prompt), { role: "assistant", content: reply }] as const;
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

interface Tokens {
  readonly prompt: Int32Array;
  readonly chosen: Int32Array;
  readonly rejected: Int32Array | null;
}

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
  requirePositiveIntegers({ maxLength, maxPromptLength });
  if (maxPromptLength >= maxLength) {
    throw new RangeError(
      `Expected maxPromptLength to be below maxLength (${maxLength}) but found ${maxPromptLength}.`,
    );
  }
}

/** The digests of a prompt. */
export function digestPrompt(prompt: Prompt): PromptDigests {
  return {
    promptDigest: digestText(identity(prompt)),
    promptDigestNormalised: digestText(identity(prompt, normalise)),
  };
}

/** What two sets of tokens must share for a model to read both alike. */
export interface EncodingFacts {
  /** Rows that an embedding needs. */
  readonly vocabSize: number;
  readonly eosId: number;
  readonly padId: number | null;
  /** `digest()` of the tokenizer. */
  readonly tokenizerDigest: string;
  /** Digest of the chat template's text; null when there was none. */
  readonly templateDigest: string | null;
}

/** The facts of a tokenizer that has an end token. */
export function encodingFacts(tokenizer: Tokenizer): EncodingFacts {
  const { vocabSize, eosId, padId, chatTemplate } = tokenizer;
  return {
    vocabSize,
    eosId: eosId as number,
    padId,
    tokenizerDigest: tokenizer.digest(),
    templateDigest: chatTemplate && sha256(chatTemplate.source),
  };
}

function normalise(text: string): string {
  return text.normalize("NFKC").toLowerCase().replace(/\s+/gu, " ").trim();
}

function digestText(text: string): string {
  return sha256(text).slice(0, 32);
}
