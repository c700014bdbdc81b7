import { setImmediate } from "node:timers/promises";
import type { TokenIds } from "../../data/pair.ts";
import type { Tokenizer } from "../../data/tokenizer/tokenizer.ts";
import type { TokenDecoder } from "../../train/models/token_decoder.ts";
import { generate, replyRandom, type SeededSampling, tokenChooser } from "../generate.ts";
import { endTokens } from "../reply_to_prompts.ts";
import {
  Answer,
  type AnswerPart,
  type AnswerToken,
  codePoints,
  describeToken,
  tokenText,
} from "./answer.ts";
import type { ServedModel } from "./served_model.ts";
import { scoreToken } from "./token_logprobs.ts";
import { TokenTexts } from "./token_texts.ts";

/** A prompt to answer. */
export interface AnswerPrompt {
  readonly tokens: Int32Array;
  /** As it was given; null where token ids were. */
  readonly text: string | null;
}

/** What is asked of a model, whichever way it came. */
export interface AnswerRequest {
  readonly prompts: readonly AnswerPrompt[];
  /** Answers a prompt. */
  readonly samples: number;
  readonly decoding: "greedy" | SeededSampling;
  /** Most new tokens of an answer; 0 for none. */
  readonly maxTokens: number;
  /** Texts that end an answer, and are left out of it. */
  readonly stop: readonly string[];
  /** Whether answers begin with their prompt. */
  readonly echo: boolean;
  /** How many of the likeliest tokens are told with each; null for no log-probabilities at all. */
  readonly logprobs: number | null;
}

/** How answering is watched and stopped. */
export interface AnswerWatch {
  /** Looked at between tokens. */
  readonly signal: AbortSignal;
  readonly onPart: (part: AnswerPart) => void;
}

/** Tokens read and written. */
export interface Usage {
  readonly promptTokens: number;
  readonly completionTokens: number;
}

/**
 * Answers prompts; what it gives hangs on the request alone, never on what else is asked.
 * `maxTokens` 1 after an echo with log-probabilities, by which evaluation harnesses score texts, takes
 * its token from the reading of the prompt.
 *
 * @throws ExpectedError when the model gives a logit that is not a number
 */
export async function answerPrompts(
  model: ServedModel,
  request: AnswerRequest,
  { signal, onPart }: AnswerWatch,
): Promise<Usage> {
  const { prompts, samples } = request;
  const stopTokens = stopTokensOf(model, request.stop);
  const rules = { ...request, tokenizer: model.tokenizer, stopTokens, onPart };
  const answers = prompts.map((_, i) =>
    Array.from({ length: samples }, (_, sample) => new Answer(i * samples + sample, rules))
  );
  const lastRows: (Float32Array | null)[] = [];
  for (const [i, prompt] of prompts.entries()) {
    if (request.echo) {
      lastRows.push(await echoPrompt(model, { prompt, request, signal }, answers[i]));
    }
    await setImmediate();
    signal.throwIfAborted();
  }
  if (request.maxTokens === 0) { for (const answer of answers.flat()) answer.end(); }
  else if (request.maxTokens === 1 && lastRows.length > 0 && !lastRows.includes(null)) {
    writeOneToken(model, request, { answers, lastRows: lastRows as Float32Array[] });
  } else await writeTokens(model, request, { answers, stopTokens, signal });
  return {
    promptTokens: prompts.reduce((sum, { tokens }) => sum + tokens.length, 0),
    completionTokens: answers.flat().reduce((sum, { written }) => sum + written, 0),
  };
}

/** Answers in the making: of each prompt its samples. */
type Answers = readonly (readonly Answer[])[];

/** Names a prompt's stream of random numbers, as `ballast generate` does. */
function promptId(prompt: number): string {
  return `prompt ${prompt + 1}`;
}

/** Adds a token to each answer, from the logits of its prompt's last token. */
function writeOneToken(
  { decoder: { vocabSize } }: ServedModel,
  { decoding }: AnswerRequest,
  { answers, lastRows }: { readonly answers: Answers; readonly lastRows: readonly Float32Array[] },
): void {
  const choose = tokenChooser(vocabSize, decoding);
  lastRows.forEach((logits, i) => {
    const row = { logits, row: 0, vocabSize };
    answers[i].forEach((answer, sample) =>
      answer.write(choose(row, replyRandom(decoding, promptId(i), sample)), row)
    );
  });
}

async function writeTokens(
  { decoder }: ServedModel,
  { prompts, samples, decoding, maxTokens }: AnswerRequest,
  { answers, stopTokens, signal }: {
    readonly answers: Answers;
    readonly stopTokens: ReadonlySet<number>;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const byId = new Map(answers.map((samples, i) => [promptId(i), samples]));
  await generate(new PausingDecoder(decoder), {
    prompts: prompts.map(({ tokens }, i) => ({ id: promptId(i), tokens })),
    samples,
    decoding,
    stopTokens: [...stopTokens],
    maxNewTokens: maxTokens,
    signal,
    onToken: ({ prompt, sample, token, logits }) =>
      byId.get(prompt.id)![sample].write(token, logits),
  });
}

/** The model's end tokens, and those special tokens that a stop text spells: texts leave them out. */
function stopTokensOf({ tokenizer, config }: ServedModel, stop: readonly string[]): Set<number> {
  const special = stop.filter((text) => tokenizer.specialTokens.includes(text))
    .flatMap((text) => [...tokenizer.encode(text)]);
  return new Set([...endTokens(tokenizer, config), ...special]);
}

/**
 * Begins answers with their prompt.
 *
 * @returns the logits (V) of what follows it, where log-probabilities made the model read it; else null
 */
async function echoPrompt(
  { tokenizer, reader, decoder: { vocabSize } }: ServedModel,
  { prompt, request: { logprobs }, signal }: {
    readonly prompt: AnswerPrompt;
    readonly request: AnswerRequest;
    readonly signal: AbortSignal;
  },
  answers: readonly Answer[],
): Promise<Float32Array | null> {
  const { tokens } = prompt;
  const { text, offsets } = spell(tokenizer, tokens);
  const described: AnswerToken[] = [];
  let last: Float32Array | null = null;
  if (logprobs !== null) {
    const start = { text: tokenText(tokenizer, tokens[0]), logprob: null, top: null, offset: 0 };
    described.push(start);
    await reader.read(tokens, (logits, first) => {
      signal.throwIfAborted();
      for (let row = 0; row < logits.length / vocabSize; row++) {
        const next = first + row + 1;
        if (next === tokens.length) last = logits.slice(row * vocabSize, (row + 1) * vocabSize);
        else {
          const scored = scoreToken({ logits, row, vocabSize }, tokens[next], logprobs);
          described.push(describeToken(tokenizer, scored, offsets[next]));
        }
      }
    });
  }
  for (const answer of answers) answer.echo(prompt.text ?? text, described);
  return last;
}

/** The text of tokens, special ones included, and where in it each begins. */
function spell(
  tokenizer: Tokenizer,
  tokens: Int32Array,
): { readonly text: string; readonly offsets: readonly number[] } {
  const texts = new TokenTexts((ids) => tokenizer.decode(ids, { keepSpecialTokens: true }));
  const offsets: number[] = [];
  let [text, length] = ["", 0];
  for (const token of tokens) {
    offsets.push(length);
    const piece = texts.push(token);
    text += piece;
    length += codePoints(piece);
  }
  return { text: text + texts.flush(), offsets };
}

/**
 * A decoder that lets other work of the process be seen to between tokens: a client that hung up would
 * otherwise go unnoticed where the runtime computes on this very thread.
 */
class PausingDecoder implements TokenDecoder {
  readonly vocabSize: number;
  readonly cacheFloats: number;

  constructor(private readonly inner: TokenDecoder) {
    this.vocabSize = inner.vocabSize;
    this.cacheFloats = inner.cacheFloats;
  }

  reserve(room: Parameters<TokenDecoder["reserve"]>[0]): void {
    this.inner.reserve(room);
  }

  add(prompts: readonly TokenIds[]): Promise<Float32Array> {
    return this.#pause(this.inner.add(prompts));
  }

  step(tokens: Int32Array): Promise<Float32Array> {
    return this.#pause(this.inner.step(tokens));
  }

  drop(row: number): void {
    this.inner.drop(row);
  }

  clear(): void {
    this.inner.clear();
  }

  release(): Promise<void> {
    return this.inner.release();
  }

  async #pause(logits: Promise<Float32Array>): Promise<Float32Array> {
    const computed = await logits;
    await setImmediate();
    return computed;
  }
}
