import type { Sizes } from "../../pipeline/prediction.ts";
import type { Reading } from "../../train/costs/arithmetic.ts";
import type { LongestTokens } from "../../train/models/attention_blocks.ts";
import { countOf } from "./params_of.ts";

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
  /** Most tokens of a prompt and one reply; of a prompt, and of each reply, perhaps of other pairs. */
  readonly longestSequence: number;
  readonly longestPrompt: number;
  readonly longestChosen: number;
  readonly longestRejected: number;
  /** Pairs that have at least nine tenths of the longest one's tokens. */
  readonly longPairs: number;
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
  "longestSequence",
  "longestPrompt",
  "longestChosen",
  "longestRejected",
  "longPairs",
] as const satisfies readonly (keyof TokenSizes)[];

/**
 * The sizes of a `tokens` artifact; null where one of them is missing. Of facts of earlier versions, which do
 * not say how long each part may be and how many are that long, it is the most that they leave open.
 */
export function tokenSizesOf(sizes: Sizes | null | undefined): TokenSizes | null {
  if (!sizes) return null;
  const all = { ...mostLeftOpen(sizes), ...sizes };
  if (NAMES.some((name) => typeof all[name] !== "number")) return null;
  return all as unknown as TokenSizes;
}

/** At most so much, by what is cut and by the longest pair; every part has a token. */
function mostLeftOpen(sizes: Sizes): Sizes {
  const [pairs, maxLength, longestPair, longestReplies, rejectedTokens] = [
    "pairs",
    "maxLength",
    "longestPair",
    "longestReplies",
    "rejectedTokens",
  ].map((name) => countOf(sizes, name));
  if (pairs === null || longestPair === null || longestReplies === null) return {};
  const replies = rejectedTokens === 0 ? 1 : 2;
  const longestSequence = Math.min(maxLength ?? Infinity, longestPair - (replies - 1));
  const longestReply = Math.min(longestSequence - 1, longestReplies - (replies - 1));
  return {
    longestSequence,
    longestPrompt: longestSequence - 1,
    longestChosen: longestReply,
    longestRejected: replies === 1 ? 0 : longestReply,
    longPairs: pairs,
  };
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

/** The same as if rejected replies were the chosen ones, and there were no others. */
export function rejectedAlone(sizes: TokenSizes): TokenSizes {
  const { rejectedTokens, rejectedCells, longestRejected, longestPair, longestSequence } = sizes;
  return {
    ...sizes,
    chosenTokens: rejectedTokens,
    chosenCells: rejectedCells,
    longestChosen: longestRejected,
    longestReplies: longestRejected,
    longestPair: Math.min(longestPair, longestSequence),
    rejectedTokens: 0,
    rejectedCells: 0,
    longestRejected: 0,
  };
}

/** Most tokens of a prompt and of one reply, among what is read. */
export function longestTokens(
  { longestPrompt, longestChosen, longestRejected }: TokenSizes,
  replies: Exclude<Replies, "rejected">,
): LongestTokens {
  const reply = Math.max(longestChosen, replies === "both" ? longestRejected : 0);
  return { prompt: longestPrompt, reply };
}
