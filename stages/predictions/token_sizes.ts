import type { Sizes } from "../../pipeline/prediction.ts";
import type { Reading } from "../../train/costs/arithmetic.ts";

/** Mean lengths of tokenized pairs, and of the products of lengths that attention computes. */
export interface TokenSizes {
  readonly pairs: number;
  readonly promptTokens: number;
  readonly chosenTokens: number;
  /** 0 for demonstrations. */
  readonly rejectedTokens: number;
  /** Queries times keys: prompts among themselves; replies with their prompts and themselves. */
  readonly promptCells: number;
  readonly chosenCells: number;
  readonly rejectedCells: number;
  /** Most tokens of a prompt and both its replies; of both replies. */
  readonly longestPair: number;
  readonly longestReplies: number;
}

const NAMES = [
  "pairs",
  "promptTokens",
  "chosenTokens",
  "rejectedTokens",
  "promptCells",
  "chosenCells",
  "rejectedCells",
  "longestPair",
  "longestReplies",
] as const satisfies readonly (keyof TokenSizes)[];

/** The sizes of a `tokens` artifact; null where one of them is missing. */
export function tokenSizesOf(sizes: Sizes | null | undefined): TokenSizes | null {
  if (!sizes || NAMES.some((name) => typeof sizes[name] !== "number")) return null;
  return sizes as unknown as TokenSizes;
}

/** Whole pairs, or prompts with one of their replies. */
export type Replies = "both" | "chosen" | "rejected";

/** What is read of a mean pair. */
export function meanReading(sizes: TokenSizes, replies: Replies): Reading {
  const chosen = replies !== "rejected";
  const rejected = replies !== "chosen";
  const replyTokens = (chosen ? sizes.chosenTokens : 0) + (rejected ? sizes.rejectedTokens : 0);
  return {
    tokens: sizes.promptTokens + replyTokens,
    replyTokens,
    cells: sizes.promptCells + (chosen ? sizes.chosenCells : 0) +
      (rejected ? sizes.rejectedCells : 0),
  };
}

/**
 * The largest run: one that is filled with mean pairs, or the longest pair by itself.
 *
 * @param limits how much a run may hold: tokens, and reply tokens with their logits
 */
export function largestRun(
  sizes: TokenSizes,
  replies: Replies,
  limits: { readonly tokens: number; readonly replyTokens: number },
): Reading {
  const mean = meanReading(sizes, replies);
  const part = replies === "both" ? 1 : mean.tokens / meanReading(sizes, "both").tokens;
  const longest = part * sizes.longestPair;
  const tokens = Math.min(Math.max(limits.tokens, longest), mean.tokens * sizes.pairs);
  const filled = mean.replyTokens * tokens / mean.tokens;
  return {
    tokens,
    replyTokens: Math.max(Math.min(filled, limits.replyTokens), part * sizes.longestReplies),
    cells: Math.max(
      mean.cells * tokens / mean.tokens,
      mean.cells * (longest / mean.tokens) ** 2,
    ),
  };
}
