import { loadTokenizer, type Tokenizer } from "../data/tokenizer/tokenizer.ts";
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
  extends ScoreOptions, Pick<ScorerOptions, "threads" | "device" | "precision" | "tf32"> {
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
  const scored = await scoredModel(model, options);
  const decoder = await openDecoder(model, { threads: options.threads });
  return {
    score: scored.score,
    runtime: scored.runtime,
    tokenizer,
    decoder,
    async [Symbol.asyncDispose]() {
      await decoder.release();
      await scored[Symbol.asyncDispose]();
    },
  };
}

async function scoredModel(
  model: Model,
  { threads, device, precision, tf32, ...watch }: PolicyOptions,
): Promise<ScoredModel> {
  const scorer = await openScorer(model, { threads, device, precision, tf32 });
  return {
    score: (sequences) => scorer.logps(sequences, watch),
    runtime: scorer.runtime,
    [Symbol.asyncDispose]: () => scorer.release(),
  };
}
