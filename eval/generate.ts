import { requirePositiveIntegers } from "../core/positive_integers.ts";
import { Random } from "../core/random.ts";
import type { TokenIds } from "../data/pair.ts";
import type { TokenDecoder } from "../train/models/token_decoder.ts";
import { greedyToken, type LogitRow, type Sampling, TokenSampler } from "./next_token.ts";
import { RowAdmission } from "./row_admission.ts";

/** Floats that the keys and values of all rows under way may take (512 MiB). */
export const CACHE_FLOATS = 2 ** 27;

/** A prompt to continue. */
export interface GenerationPrompt {
  /** Names the prompt's stream of random numbers. */
  readonly id: string;
  readonly tokens: TokenIds;
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
 * Continues prompts, many at once. Each row is at a place of its own in its text: where one is finished,
 * the next that waits takes its place in the midst of the others (`RowAdmission`), and nothing is padded.
 *
 * Every reply has its own stream of random numbers, named by seed, stream, prompt id and sample number, so
 * that it is the same whatever is decoded beside it where a row's logits are (`TokenDecoder`); where their
 * last bits differ, a token whose logit all but equals another's may.
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
  const admission = new RowAdmission(rows.flat(), {
    lengthOf: ({ prompt }) => prompt.tokens.length,
    maxNewTokens,
    mostRows: batchSize,
    mostPositions: CACHE_FLOATS / decoder.cacheFloats,
  });
  await decodeRows(decoder, { admission, request, choose, onFinished });
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

interface Decoding {
  readonly admission: RowAdmission<Row>;
  readonly request: GenerationRequest;
  readonly choose: TokenChooser;
  readonly onFinished: (count: number) => void;
}

async function decodeRows(decoder: TokenDecoder, decoding: Decoding): Promise<void> {
  const { admission, request } = decoding;
  const underWay: Row[] = [];
  decoder.clear();
  for (;;) {
    for (;;) {
      request.signal?.throwIfAborted();
      const begun = admission.next(underWay.length);
      if (begun === null) break;
      decoder.reserve(begun.room);
      const logits = await decoder.add(begun.rows.map(({ prompt }) => prompt.tokens));
      const first = underWay.length;
      underWay.push(...begun.rows);
      write(decoder, { underWay, first, logits }, decoding);
    }
    if (underWay.length === 0) return;
    const logits = await decoder.step(Int32Array.from(underWay, ({ tokens }) => tokens.at(-1)!));
    write(decoder, { underWay, first: 0, logits }, decoding);
  }
}

/** Adds a token to each row from `first` on, by logits of these rows, and drops those that end with it. */
function write(
  decoder: TokenDecoder,
  { underWay, first, logits }: {
    readonly underWay: Row[];
    readonly first: number;
    readonly logits: Float32Array;
  },
  { request, choose, onFinished }: Decoding,
): void {
  const { vocabSize } = decoder;
  const finished: number[] = [];
  for (const [i, { prompt, sample, tokens, random }] of underWay.slice(first).entries()) {
    const from = { logits, row: i, vocabSize };
    const token = choose(from, random);
    tokens.push(token);
    const goesOn = request.onToken?.({ prompt, sample, token, logits: from }) ?? true;
    const ends = !goesOn || request.stopTokens.includes(token) ||
      tokens.length === request.maxNewTokens;
    if (ends) finished.push(first + i);
  }
  for (const row of finished.toReversed()) {
    decoder.drop(row);
    const last = underWay.pop()!;
    if (row < underWay.length) underWay[row] = last;
  }
  if (finished.length > 0) onFinished(finished.length);
}
