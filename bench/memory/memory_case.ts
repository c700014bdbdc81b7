import type { PairLengths } from "../../train/costs/foreseen_run.ts";
import type { Family } from "../../train/models/families.ts";
import { PROTOTYPE, type Shape, SMOLLM2_135M } from "../training/shapes.ts";

/** Steps that are trained; scoring reads as many batches. */
export const STEPS = 3;

/** Training, or scoring, whose peak memory is foreseen and measured. */
export interface MemoryCase {
  readonly name: string;
  readonly what: "train" | "score";
  readonly shape: Shape;
  /** llama unless given. */
  readonly family?: Family;
  /** The tokens of every pair; SFT where none is rejected. */
  readonly lengths: PairLengths;
  /** Those of one pair that is longer than all others, if there is one: `plan` is asked then. */
  readonly long?: PairLengths;
  readonly batchPairs: number;
  readonly threads: number;
  /** The rank of the adapter that is trained; all weights are without. */
  readonly rank?: number;
  readonly gradientCheckpointing?: boolean;
  readonly tokensPerRun?: number;
  readonly moments?: "bfloat16";
  /** Entries of the vocabulary whose logits are there at once; as training and scoring say unless given. */
  readonly vocabularyChunk?: number;
  /** Queries whose attention is computed at once; as training and scoring say unless given. */
  readonly attentionBlock?: number;
}

/** The tokens of all pairs that a case trains on or scores, in the order of batches. */
export function pairLengths({ lengths, long, batchPairs }: MemoryCase): PairLengths[] {
  const pairs = Array.from({ length: STEPS * batchPairs }, () => lengths);
  // In the second batch: before the first update, moments are not touched yet.
  return long === undefined ? pairs : pairs.with(batchPairs, long);
}

const WIDE: Shape = { V: 32000, D: 1024, L: 8, H: 16, K: 8, F: 2816, tied: false };
const MANY_WORDS: Shape = { V: 128000, D: 512, L: 4, H: 8, K: 1, F: 2048, tied: true };

const MOST_WORDS: Shape = { V: 256000, D: 256, L: 2, H: 4, K: 1, F: 1024, tied: true };

const SHALLOW: Shape = { V: 2000, D: 256, L: 4, H: 8, K: 4, F: 512, tied: true };

/** Prompts and replies of one length. */
const pairsOf = (tokens: number): PairLengths => ({
  prompt: tokens,
  chosen: tokens,
  rejected: tokens,
});

const FEW = { batchPairs: 2, threads: 2 } as const;

/** Shapes, lengths and ways to train that differ in what takes the memory. */
export const MEMORY_CASES: readonly MemoryCase[] = [
  ...[
    { name: "135M, all weights, 3 × 128", lengths: pairsOf(128) },
    { name: "135M, all weights, 3 × 384", lengths: pairsOf(384) },
    {
      name: "135M, moments in bfloat16, 3 × 128",
      lengths: pairsOf(128),
      moments: "bfloat16" as const,
    },
    { name: "135M, layers again, 3 × 384", lengths: pairsOf(384), gradientCheckpointing: true },
    { name: "135M, LoRA, 3 × 128", lengths: pairsOf(128), rank: 8 },
    { name: "135M, LoRA, one thread, 3 × 384", lengths: pairsOf(384), rank: 8, threads: 1 },
    {
      name: "135M, LoRA, layers again",
      lengths: pairsOf(384),
      rank: 8,
      gradientCheckpointing: true,
    },
    { name: "135M, SFT, 256 + 256", lengths: { ...pairsOf(256), rejected: null } },
  ].map((one) => ({ what: "train" as const, shape: SMOLLM2_135M, ...FEW, ...one })),
  ...[
    { name: "wide, all weights", shape: WIDE, lengths: pairsOf(256) },
    { name: "wide, LoRA of rank 16", shape: WIDE, lengths: pairsOf(256), rank: 16 },
    {
      name: "wide, qwen2, layers again",
      shape: WIDE,
      family: "qwen2" as const,
      lengths: pairsOf(256),
      gradientCheckpointing: true,
    },
    { name: "many words, all weights", shape: MANY_WORDS, lengths: pairsOf(128) },
    {
      name: "many words, gemma, LoRA",
      shape: MANY_WORDS,
      family: "gemma" as const,
      lengths: pairsOf(128),
      rank: 8,
    },
    {
      name: "6 layers, runs of 4,096 tokens",
      shape: PROTOTYPE.b.shape,
      lengths: pairsOf(256),
      batchPairs: 8,
    },
    {
      name: "6 layers, runs of 2,048 tokens",
      shape: PROTOTYPE.b.shape,
      lengths: pairsOf(256),
      batchPairs: 8,
      tokensPerRun: 2048,
    },
    {
      name: "narrow, all weights",
      shape: PROTOTYPE.a.shape,
      lengths: pairsOf(128),
      batchPairs: 16,
    },
  ].map((one) => ({ what: "train" as const, ...FEW, ...one })),
  ...[
    { name: "most words, all weights", shape: MOST_WORDS, lengths: pairsOf(128) },
    { name: "most words, gemma, LoRA", family: "gemma" as const, rank: 8 },
    { name: "most words, untied", shape: { ...MOST_WORDS, tied: false } },
    { name: "135M, logits by chunks", shape: SMOLLM2_135M, vocabularyChunk: 8192 },
  ].map((one) => ({
    what: "train" as const,
    shape: MOST_WORDS,
    lengths: pairsOf(256),
    ...FEW,
    ...one,
  })),
  ...[
    { name: "6 layers, 3 × 1,024, attention in blocks", lengths: pairsOf(1024) },
    { name: "6 layers, LoRA, 3 × 1,536, blocks of 384", lengths: pairsOf(1536), rank: 8 },
  ].map((one) => ({
    what: "train" as const,
    shape: PROTOTYPE.b.shape,
    attentionBlock: "rank" in one ? 384 : undefined,
    ...FEW,
    ...one,
  })),
  ...[
    // Long enough for both lanes to have come to their logits at once, which is what is foreseen.
    {
      name: "135M, scoring, 3 × 32",
      shape: SMOLLM2_135M,
      lengths: pairsOf(32),
      batchPairs: 100,
    },
    { name: "wide, scoring, one thread", shape: WIDE, lengths: pairsOf(256), threads: 1 },
    { name: "many words, scoring", shape: MANY_WORDS, lengths: pairsOf(128), batchPairs: 8 },
    {
      name: "most words, scoring, one thread",
      shape: MOST_WORDS,
      lengths: pairsOf(256),
      threads: 1,
    },
  ].map((one) => ({ what: "score" as const, ...FEW, ...one })),
  ...[
    {
      name: "a long pair among 25 short ones",
      shape: SHALLOW,
      lengths: { prompt: 20, chosen: 30, rejected: 30 },
      long: { prompt: 1000, chosen: 500, rejected: 500 },
      batchPairs: 26,
      threads: 1,
    },
    {
      name: "a longer pair among 15 middling ones",
      shape: SHALLOW,
      lengths: { prompt: 60, chosen: 100, rejected: 80 },
      long: { prompt: 120, chosen: 200, rejected: 90 },
      batchPairs: 16,
    },
    {
      name: "135M, a long reply among short ones",
      shape: SMOLLM2_135M,
      lengths: { prompt: 40, chosen: 60, rejected: 60 },
      long: { prompt: 100, chosen: 1200, rejected: 60 },
    },
  ].map((one) => ({ what: "train" as const, ...FEW, ...one })),
  {
    name: "scoring, a long pair among short ones",
    what: "score",
    shape: SHALLOW,
    lengths: { prompt: 20, chosen: 30, rejected: 30 },
    long: { prompt: 1000, chosen: 500, rejected: 500 },
    batchPairs: 100,
    threads: 1,
  },
];
