import type { Target } from "../graph/target.ts";
import type { ModelConfig } from "./config.ts";

/** How many blocks the queries of prompts are in, and those of replies (and of their rests). */
export interface AttentionBlocks {
  readonly prompts: number;
  readonly replies: number;
  /**
   * Whether what attention gives is computed in one kernel, and its gradient alone in blocks, of which
   * there may be one; not unless given. Then the keys of each grid are a multiple of four.
   */
  readonly fused?: boolean;
}

/** Most tokens of a prompt and of one reply, in all that is computed. */
export interface LongestTokens {
  readonly prompt: number;
  readonly reply: number;
}

/**
 * Scores of a layer that are there at once, if a run that is full of the longest pairs makes no more:
 * 64 MiB in float32, on a GPU 256 MiB. Blocks cost the products of queries and keys once more, for the
 * gradient.
 */
const SCORES_WHOLE: { readonly [T in Target]: number } = { cpu: 1 << 24, cuda: 1 << 26 };

/** Queries of a block where there are more: each block adds to the nodes of every layer. */
const QUERIES_OF_BLOCK = 512;

/** What decides how attention is divided, beside the longest tokens. */
export interface Division {
  /** What computes it; `cpu` unless given. */
  readonly target?: Target;
  /** Pairs of the longest that a run holds, as `longestPairsPerRun` counts them; one unless given. */
  readonly pairs?: number;
  /** Whether what attention gives is computed in one kernel; not unless given. */
  readonly fused?: boolean;
}

/**
 * Queries whose attention is computed at once, where nothing else is asked for: all, unless a run of the
 * longest pairs makes too many scores.
 */
export function defaultAttentionBlock(
  { heads }: Pick<ModelConfig, "heads">,
  { prompt, reply }: LongestTokens,
  { target = "cpu", pairs = 1 }: Division = {},
): number {
  const scores = pairs * heads * (prompt ** 2 + 2 * reply * (prompt + reply));
  return scores <= SCORES_WHOLE[target] ? Infinity : QUERIES_OF_BLOCK;
}

/**
 * The blocks that attention is computed in; undefined where one would be all of it, unless it is fused. Their number is
 * part of a graph: of shorter prompts and replies all blocks are smaller.
 *
 * @param block queries of a block at most; `defaultAttentionBlock` unless given
 */
export function attentionBlocks(
  config: Pick<ModelConfig, "heads">,
  longest: LongestTokens,
  { block, fused, ...division }: Division & { readonly block?: number } = {},
): AttentionBlocks | undefined {
  const size = block ?? defaultAttentionBlock(config, longest, division);
  const count = (queries: number) => Math.max(1, Math.ceil(queries / size));
  // The last token of a reply is only predicted.
  const blocks = { prompts: count(longest.prompt), replies: count(longest.reply - 1) };
  if (fused) return { ...blocks, fused };
  return blocks.prompts === 1 && blocks.replies === 1 ? undefined : blocks;
}
