import { requirePositiveIntegers } from "../core/positive_integers.ts";
import { Random } from "../core/random.ts";
import type { TokenDecoder } from "../train/models/token_decoder.ts";
import { generationBatches } from "./generation_batches.ts";
import { greedyToken, type LogitRow, type Sampling, TokenSampler } from "./next_token.ts";

/** Floats that a batch's keys and values may take (256 MiB); the decoder holds them twice. */
export const CACHE_FLOATS = 2 ** 26;

/** A prompt to continue. */
export interface GenerationPrompt {
  /** Names the prompt's stream of random numbers. */
  readonly id: string;
  readonly tokens: Int32Array;
}

/** Sampling with what its random numbers hang on. */
export interface SeededSampling extends Sampling {
  readonly seed: number;
  /** Replies drawn under different names are independent; under one name they share their luck. */
  readonly stream: string;
}

/** A token of a reply, just chosen. */
export interface WrittenToken {
  readonly prompt: GenerationPrompt;
  /** Which of the prompt's replies it belongs to, from 0. */
  readonly sample: number;
  readonly token: number;
  /** What it was chosen from; valid during the call alone. */
  readonly logits: LogitRow;
}

/** What to generate. */
export interface GenerationRequest {
  readonly prompts: readonly GenerationPrompt[];
  /** Replies a prompt. */
  readonly samples: number;
  readonly decoding: "greedy" | SeededSampling;
  /** Any of these ends a reply. */
  readonly stopTokens: readonly number[];
  readonly maxNewTokens: number;
  /** Most rows decoded together; 512 unless told. */
  readonly batchSize?: number;
  readonly signal?: AbortSignal;
  /** Called with the number of finished replies whenever there are more. */
  readonly onProgress?: (done: number) => void;
  /** Told of each token as it is chosen; `false` ends its reply with it. */
  readonly onToken?: (written: WrittenToken) => boolean;
}

/** A generated reply. */
export interface Reply {
  /** All that was generated, the stop token included. */
  readonly tokens: Int32Array;
  /** `end`: by a stop token; `length`: cut, at `maxNewTokens` or by `onToken`. */
  readonly stop: "end" | "length";
}

/** A reply in the making. */
interface Row {
  readonly prompt: GenerationPrompt;
  readonly sample: number;
  readonly tokens: number[];
  readonly random: Random | null;
}

/**
 * Continues prompts in the batches that `generationBatches` makes. In a batch of several prompt
 * lengths all rows read as many tokens as the shortest prompt has; then, token by token, the longer
 * ones read on in the very steps in which the shorter ones already write, so that nothing is padded.
 * Rows are dropped as they finish.
 *
 * Every reply has its own stream of random numbers, named by seed, stream, prompt id and sample number,
 * so what is drawn does not depend on which replies are decoded beside it.
 *
 * @returns for each prompt, in order, its `samples` replies
 * @throws RangeError when `samples`, `maxNewTokens` or `batchSize` is not a positive integer
 * @throws ExpectedError when the model gives a logit that is not a number
 */
export async function generate(
  decoder: TokenDecoder,
  request: GenerationRequest,
): Promise<Reply[][]> {
  const { samples, batchSize = 512, maxNewTokens } = request;
  requirePositiveIntegers({ samples, maxNewTokens, batchSize });
  const choose = tokenChooser(decoder.vocabSize, request.decoding);
  const rows = request.prompts.map((prompt) => rowsOf(prompt, request));
  let done = 0;
  const onFinished = (count: number) => request.onProgress?.(done += count);
  const batches = generationBatches(rows.flat(), {
    lengthOf: ({ prompt }) => prompt.tokens.length,
    maxNewTokens,
    mostRows: batchSize,
    mostPositions: CACHE_FLOATS / decoder.cacheFloats,
  });
  for (const batch of batches) {
    await decodeBatch(decoder, { rows: batch, request, choose, onFinished });
  }
  return rows.map((list) => list.map((row) => replyOf(row, request.stopTokens)));
}

function rowsOf(prompt: GenerationPrompt, { samples, decoding }: GenerationRequest): Row[] {
  return Array.from({ length: samples }, (_, sample) => ({
    prompt,
    sample,
    tokens: [],
    random: replyRandom(decoding, prompt.id, sample),
  }));
}

/** The stream of random numbers of one reply; null for a greedy one. */
export function replyRandom(
  decoding: GenerationRequest["decoding"],
  promptId: string,
  sample: number,
): Random | null {
  if (decoding === "greedy") return null;
  return Random.seeded(decoding.seed, "generate", decoding.stream, promptId, sample);
}

function replyOf({ tokens }: Row, stopTokens: readonly number[]): Reply {
  const ended = stopTokens.includes(tokens[tokens.length - 1]);
  return { tokens: Int32Array.from(tokens), stop: ended ? "end" : "length" };
}

/** Chooses the token that follows, by the reply's own random numbers unless it is greedy. */
export type TokenChooser = (logits: LogitRow, random: Random | null) => number;

/**
 * What chooses tokens, of a vocabulary of so many.
 *
 * @throws RangeError for a temperature or top-p out of range
 */
export function tokenChooser(
  vocabSize: number,
  decoding: GenerationRequest["decoding"],
): TokenChooser {
  if (decoding === "greedy") return greedyToken;
  const sampler = new TokenSampler(vocabSize, decoding);
  return (logits, random) => sampler.draw(logits, random!);
}

async function decodeBatch(
  decoder: TokenDecoder,
  { rows, request, choose, onFinished }: {
    rows: readonly Row[];
    request: GenerationRequest;
    choose: TokenChooser;
    onFinished: (count: number) => void;
  },
): Promise<void> {
  const { vocabSize } = decoder;
  const stops = new Set(request.stopTokens);
  let active = rows;
  let read = Math.min(...rows.map(({ prompt }) => prompt.tokens.length));
  let logits = await decoder.prefill(rows.map(({ prompt }) => prompt.tokens.subarray(0, read)));
  for (;; read++) {
    request.signal?.throwIfAborted();
    const next: number[] = [];
    const kept: number[] = [];
    active.forEach((row, i) => {
      const { prompt, sample, tokens } = row;
      const prompted = prompt.tokens[read];
      const from = { logits, row: i, vocabSize };
      const token = prompted ?? choose(from, row.random);
      if (prompted === undefined) {
        tokens.push(token);
        const goesOn = request.onToken?.({ prompt, sample, token, logits: from }) ?? true;
        if (!goesOn || stops.has(token) || tokens.length === request.maxNewTokens) return;
      }
      kept.push(i);
      next.push(token);
    });
    if (kept.length < active.length) onFinished(active.length - kept.length);
    if (kept.length === 0) return;
    if (kept.length < active.length) {
      decoder.keep(kept);
      active = kept.map((i) => active[i]);
    }
    logits = await decoder.step(Int32Array.from(next));
  }
}
