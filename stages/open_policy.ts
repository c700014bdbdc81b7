import { loadTokenizer, type Tokenizer } from "../data/tokenizer/tokenizer.ts";
import { computingOf } from "./device_params.ts";
import { openScorer, type ScoreOptions, type ScorerOptions } from "../train/logps.ts";
import { openDecoder } from "../train/models/decoder.ts";
import { loadModel, type Model } from "../train/models/model.ts";
import type { TokenDecoder } from "../train/models/token_decoder.ts";
import type { ReplyScorer } from "../eval/score_pairs.ts";

/** A model that scores replies. */
export interface ScoredModel extends AsyncDisposable {
  readonly score: ReplyScorer;
  /** Which runtime computes, for people. */
  readonly runtime: string;
}

/** A model that writes and scores replies. */
export interface Policy extends ScoredModel {
  readonly tokenizer: Tokenizer;
  readonly decoder: TokenDecoder;
}

/** How a model is opened. */
export interface PolicyOptions
  extends
    ScoreOptions,
    Pick<ScorerOptions, "threads" | "device" | "precision" | "tf32" | "fusedAttention"> {
  /** The folder's own unless given. */
  readonly tokenizer?: Tokenizer;
}

/**
 * Opens a model's folder for scoring.
 *
 * @throws InputError when the folder holds no model
 */
export async function openScoredModel(
  folder: string,
  options: PolicyOptions,
): Promise<ScoredModel> {
  return scoredModel(await loadModel(folder), options);
}

/**
 * Opens a model's folder for writing and scoring replies.
 *
 * @throws InputError when the folder holds no model, or no tokenizer where none is given
 */
export async function openPolicy(folder: string, options: PolicyOptions): Promise<Policy> {
  const model = await loadModel(folder);
  const tokenizer = options.tokenizer ?? await loadTokenizer(folder);
  await using opened = new AsyncDisposableStack();
  const decoder = opened.adopt(
    await openDecoder(model, computingOf(options)),
    (decoder) => decoder.release(),
  );
  // Where the decoder has placed its weights the scorer reads the same ones.
  const scored = opened.use(await scoredModel(model, { ...options, placed: decoder.placed }));
  const stack = opened.move();
  return {
    score: scored.score,
    runtime: scored.runtime,
    tokenizer,
    decoder,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

async function scoredModel(
  model: Model,
  options: PolicyOptions & Pick<ScorerOptions, "placed">,
): Promise<ScoredModel> {
  const { placed, signal, onProgress, ranks } = options;
  const scorer = await openScorer(model, { ...computingOf(options), placed });
  return {
    score: (sequences) => scorer.logps(sequences, { signal, onProgress, ranks }),
    runtime: scorer.runtime,
    [Symbol.asyncDispose]: () => scorer.release(),
  };
}
