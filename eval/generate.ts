import { Random } from "../core/random.ts";
import type { TokenDecoder } from "../train/models/token_decoder.ts";
import { greedyToken, type LogitRow, type Sampling, TokenSampler } from "./next_token.ts";

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

/** What to generate. */
export interface GenerationRequest {
  readonly prompts: readonly GenerationPrompt[];
  /** Replies a prompt. */
  readonly samples: number;
  readonly decoding: "greedy" | SeededSampling;
  /** Any of these ends a reply. */
  readonly stopTokens: readonly number[];
  readonly maxNewTokens: number;
  /** Rows decoded together; 512 unless told. */
  readonly batchSize?: number;
  readonly signal?: AbortSignal;
  /** Called after each batch with the number of finished replies. */
  readonly onProgress?: (done: number) => void;
}

/** A generated reply. */
export interface Reply {
  /** All that was generated, the stop token included. */
  readonly tokens: Int32Array;
  /** `end`: by a stop token; `length`: cut at `maxNewTokens`. */
  readonly stop: "end" | "length";
}

interface Row {
  readonly prompt: number;
  readonly sample: number;
  readonly tokens: number[];
  readonly random: Random | null;
}

/**
 * Continues prompts in batches of equal prompt length, dropping rows as they finish. Every reply has
 * its own stream of random numbers, named by seed, stream, prompt id and sample number, so what is
 * drawn does not depend on which replies are decoded beside it.
 *
 * @returns for each prompt, in order, its `samples` replies
 * @throws RangeError when `samples`, `maxNewTokens` or `batchSize` is not a positive integer
 * @throws ExpectedError when the model gives a logit that is not a number
 */
export async function generate(
  decoder: TokenDecoder,
  request: GenerationRequest,
): Promise<Reply[][]> {
  const { prompts, samples, decoding, batchSize = 512 } = request;
  checkCounts({ samples, maxNewTokens: request.maxNewTokens, batchSize });
  const choose = tokenChooser(decoder.vocabSize, decoding);
  const replies: Reply[][] = prompts.map(() => new Array<Reply>(samples));
  let done = 0;
  for (const rows of batchesByLength(request, batchSize)) {
    request.signal?.throwIfAborted();
    await decodeBatch(decoder, { rows, request, choose });
    for (const { prompt, sample, tokens } of rows) {
      const ended = request.stopTokens.includes(tokens[tokens.length - 1]);
      const stop = ended ? "end" : "length";
      replies[prompt][sample] = { tokens: Int32Array.from(tokens), stop };
    }
    done += rows.length;
    request.onProgress?.(done);
  }
  return replies;
}

function checkCounts(counts: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(counts)) {
    if (!Number.isInteger(value) || value < 1) {
      throw new RangeError(`Expected ${name} to be an integer greater than 0 but found ${value}.`);
    }
  }
}

type TokenChooser = (logits: LogitRow, random: Random | null) => number;

function tokenChooser(vocabSize: number, decoding: "greedy" | SeededSampling): TokenChooser {
  if (decoding === "greedy") return greedyToken;
  const sampler = new TokenSampler(vocabSize, decoding);
  return (logits, random) => sampler.draw(logits, random!);
}

/** Rows grouped by prompt length, shortest first, cut into batches. */
function batchesByLength(request: GenerationRequest, batchSize: number): Row[][] {
  const { prompts, samples, decoding } = request;
  const byLength = new Map<number, Row[]>();
  prompts.forEach(({ id, tokens }, prompt) => {
    const rows = byLength.get(tokens.length) ?? [];
    byLength.set(tokens.length, rows);
    for (let sample = 0; sample < samples; sample++) {
      const random = decoding === "greedy"
        ? null
        : Random.seeded(decoding.seed, "generate", decoding.stream, id, sample);
      rows.push({ prompt, sample, tokens: [], random });
    }
  });
  return [...byLength].sort(([a], [b]) => a - b).flatMap(([, rows]) =>
    Array.from(
      { length: Math.ceil(rows.length / batchSize) },
      (_, i) => rows.slice(i * batchSize, (i + 1) * batchSize),
    )
  );
}

async function decodeBatch(
  decoder: TokenDecoder,
  { rows, request, choose }: {
    rows: readonly Row[];
    request: GenerationRequest;
    choose: TokenChooser;
  },
): Promise<void> {
  const { vocabSize } = decoder;
  const stops = new Set(request.stopTokens);
  let active = rows;
  let logits = await decoder.prefill(rows.map(({ prompt }) => request.prompts[prompt].tokens));
  for (let length = 1;; length++) {
    const next: number[] = [];
    const kept: number[] = [];
    active.forEach((row, i) => {
      const token = choose({ logits, row: i, vocabSize }, row.random);
      row.tokens.push(token);
      if (stops.has(token)) return;
      kept.push(i);
      next.push(token);
    });
    if (kept.length === 0 || length === request.maxNewTokens) return;
    if (kept.length < active.length) {
      decoder.keep(kept);
      active = kept.map((i) => active[i]);
    }
    logits = await decoder.step(Int32Array.from(next));
  }
}
