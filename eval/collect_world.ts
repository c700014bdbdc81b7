import type { PairRow } from "../data/pairs_file.ts";
import type { TokenDecoder } from "../train/models/token_decoder.ts";
import {
  collectOutOfCoverage,
  collectPairs,
  type PairCounts,
  type PromptReplies,
} from "./collect_pairs.ts";
import { generateJudged, type WorldDecoding, type WorldPrompt } from "./world_replies.ts";

/** How many replies a prompt gets, and how many pairs may come of them. */
interface SplitCollection {
  readonly samplesPerPrompt: number;
  readonly pairsPerPrompt: number;
  readonly maxPairs?: number;
}

/** What collecting all pair sets of the synthetic world needs. */
interface WorldCollection extends Omit<WorldDecoding, "prompts" | "samples" | "decoding"> {
  readonly prompts: Readonly<Record<"train" | "validation" | "test", readonly WorldPrompt[]>>;
  readonly train: SplitCollection;
  readonly heldOut: SplitCollection;
  /** Temperature of the annotator's noise on the training pairs; held-out pairs have none. */
  readonly labelTemperature: number;
  /** Seed of the replies and of the noise. */
  readonly seed: number;
}

/** The pair sets, and what was collected for each of the splits. */
interface CollectedWorld {
  readonly train: PairRow[];
  readonly validation: PairRow[];
  readonly test: PairRow[];
  /** Test prompts: a covered reply against a worse run-on. */
  readonly outOfCoverage: PairRow[];
  readonly counts: Readonly<Record<"train" | "validation" | "test", PairCounts>>;
}

/**
 * Collects pairs from the reference model's own replies, sampled at temperature 1: noisy ones to train
 * on, noise-free ones on validation and test prompts, and those that lie outside the coverage.
 */
export async function collectWorld(
  decoder: TokenDecoder,
  request: WorldCollection,
): Promise<CollectedWorld> {
  const { seed: labelSeed, labelTemperature } = request;
  let before = 0;
  const repliesOf = async (split: "train" | "validation" | "test", samples: number) => {
    const prompts = request.prompts[split];
    const replies = await generateJudged(decoder, {
      ...request,
      prompts,
      samples,
      decoding: { temperature: 1, topP: 1, seed: request.seed, stream: "collect" },
      onProgress: (done) => request.onProgress?.(before + done),
    });
    before += prompts.length * samples;
    return prompts.map((prompt, i): PromptReplies => ({ prompt, replies: replies[i] }));
  };
  const trainReplies = await repliesOf("train", request.train.samplesPerPrompt);
  const train = collectPairs(trainReplies, { ...request.train, labelTemperature, labelSeed });
  const heldOut = { ...request.heldOut, labelTemperature: 0, labelSeed };
  const { samplesPerPrompt } = heldOut;
  const validation = collectPairs(await repliesOf("validation", samplesPerPrompt), heldOut);
  const testReplies = await repliesOf("test", samplesPerPrompt);
  const test = collectPairs(testReplies, heldOut);
  return {
    train: train.rows,
    validation: validation.rows,
    test: test.rows,
    outOfCoverage: collectOutOfCoverage(testReplies),
    counts: { train: train.counts, validation: validation.counts, test: test.counts },
  };
}

/** A split's counts as a sentence. */
export function describeCounts(split: string, counts: PairCounts): string {
  const { prompts, replies, covered, pairs, promptsWithoutPair, wrongLabels } = counts;
  return `${split}: ${pairs} pairs from ${replies} replies to ${prompts} prompts; ` +
    `${(100 * (replies - covered) / Math.max(1, replies)).toFixed(1)}% run-on or malformed and ` +
    `dropped; ${promptsWithoutPair} prompts without a pair; ` +
    `${wrongLabels.toFixed(1)}% of labels the wrong way round`;
}
