import type { Sizes } from "../../pipeline/prediction.ts";
import type { Reading } from "../../train/costs/arithmetic.ts";
import type { LongestTokens } from "../../train/models/attention_blocks.ts";
import type { PairLengths } from "../../train/costs/foreseen_run.ts";

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

/** The prompt and a reply of the longest pair, whose replies are taken to be of one length. */
export function longestTokens(
  { longestPair, longestReplies, rejectedTokens }: TokenSizes,
): LongestTokens {
  const reply = longestReplies / (rejectedTokens === 0 ? 1 : 2);
  return { prompt: wholeTokens(longestPair - longestReplies), reply: wholeTokens(reply) };
}

/**
 * The runs of which one is the largest: one that is filled with mean pairs, and the longest pair by
 * itself.
 *
 * @param limits how much a run may hold: tokens, reply tokens with their logits, and pairs
 */
export function largestRuns(
  sizes: TokenSizes,
  replies: Exclude<Replies, "rejected">,
  limits: { readonly tokens: number; readonly replyTokens: number; readonly pairs: number },
): PairLengths[][] {
  const mean = meanReading(sizes, replies);
  const room = Math.min(limits.tokens / mean.tokens, limits.replyTokens / mean.replyTokens);
  const count = Math.max(1, Math.min(Math.ceil(room), limits.pairs, sizes.pairs));
  // The last pair that there is room for is a short one: all together fill the run.
  const scale = Math.min(1, Math.max(1, room) / count);
  const comparesPairs = replies === "both";
  const lengths = (prompt: number, chosen: number, rejected: number): PairLengths => ({
    prompt: wholeTokens(prompt),
    chosen: wholeTokens(chosen),
    rejected: comparesPairs ? wholeTokens(rejected) : null,
  });
  const { promptTokens, chosenTokens, rejectedTokens } = sizes;
  const filled = [promptTokens, chosenTokens, rejectedTokens].map((tokens) => scale * tokens);
  const { prompt, reply } = longestTokens(sizes);
  return [
    Array.from({ length: count }, () => lengths(filled[0], filled[1], filled[2])),
    [lengths(prompt, reply, reply)],
  ];
}

/** A prompt or a reply has a token at least. */
function wholeTokens(tokens: number): number {
  return Math.max(1, Math.round(tokens));
}
