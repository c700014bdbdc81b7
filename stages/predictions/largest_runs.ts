import type { PairLengths } from "../../train/costs/foreseen_run.ts";
import {
  fitsRun,
  replyTokensPerRun,
  type RunLimits,
  type Size,
  sizeOfLengths,
  sumSizes,
} from "../../train/pair_packs.ts";
import { meanReading, type Replies, type TokenSizes } from "./token_sizes.ts";

/** What is read of each pair. */
type Read = Exclude<Replies, "rejected">;

/**
 * The runs of which one is the largest: one that is full of mean pairs, and two that hold long pairs, as
 * many as there are, and mean ones beside them. How long each part of a long pair is, is not known: in the
 * one run it is the prompt that is the longest there is, in the other the replies.
 *
 * @param limits how much a run may hold
 */
export function largestRuns(sizes: TokenSizes, replies: Read, limits: RunLimits): PairLengths[][] {
  const pairs = Math.min(limits.pairs ?? Infinity, sizes.pairs);
  const long = longestPairs(sizes, replies);
  return [
    fullOfMeanPairs(sizes, replies, { ...limits, pairs }),
    ...long.map((one) => {
      const mean = pairOf(sizes.promptTokens, [sizes.chosenTokens, sizes.rejectedTokens], replies);
      return filled(one, { longPairs: sizes.longPairs, mean, limits: { ...limits, pairs } });
    }),
  ];
}

function fullOfMeanPairs(
  sizes: TokenSizes,
  replies: Read,
  limits: RunLimits & { readonly pairs: number },
): PairLengths[] {
  const mean = meanReading(sizes, replies);
  const replyTokens = replyTokensPerRun(limits.logitsPerToken, limits.target);
  const room = Math.min(limits.tokens / mean.tokens, replyTokens / mean.replyTokens);
  const count = Math.max(1, Math.min(Math.ceil(room), limits.pairs));
  // The last pair that there is room for is a short one: all together fill the run.
  const scale = Math.min(1, Math.max(1, room) / count);
  const { promptTokens, chosenTokens, rejectedTokens } = sizes;
  const [prompt, chosen, rejected] = [promptTokens, chosenTokens, rejectedTokens]
    .map((tokens) => scale * tokens);
  return Array.from({ length: count }, () => pairOf(prompt, [chosen, rejected], replies));
}

/** A long pair, others as long, and mean ones, as far as the limits allow. */
function filled(long: PairLengths, { longPairs, mean, limits }: {
  readonly longPairs: number;
  readonly mean: PairLengths;
  readonly limits: RunLimits & { readonly pairs: number };
}): PairLengths[] {
  const [longSize, meanSize] = [pairSize(long), pairSize(mean)];
  const run = [long];
  let size = longSize;
  while (run.length < limits.pairs) {
    const withLong = sumSizes(size, longSize);
    const isLong = run.length < longPairs && fitsRun(withLong, limits);
    const next = isLong ? withLong : sumSizes(size, meanSize);
    if (!fitsRun(next, limits)) break;
    run.push(isLong ? long : mean);
    size = next;
  }
  return run;
}

/** What the longest pair may be: with the longest prompt, or with the longest replies. */
function longestPairs(sizes: TokenSizes, replies: Read): PairLengths[] {
  const { longestPair, longestSequence, longestPrompt, longestChosen } = sizes;
  const longestReplies = replies === "both" ? sizes.longestReplies : longestChosen;
  const beside = splitReplies(Math.min(longestReplies, longestPair - longestPrompt), {
    chosen: Math.min(longestChosen, longestSequence - longestPrompt),
    rejected: Math.min(sizes.longestRejected, longestSequence - longestPrompt),
  });
  const longest = splitReplies(longestReplies, {
    chosen: longestChosen,
    rejected: replies === "both" ? sizes.longestRejected : 0,
  });
  const before = Math.min(
    ...[longestPrompt, longestPair - longestReplies, longestSequence - Math.max(...longest)],
  );
  return [pairOf(longestPrompt, beside, replies), pairOf(before, longest, replies)];
}

/** Tokens of a chosen and a rejected reply, of which the one is as long as it may be. */
function splitReplies(
  tokens: number,
  most: { readonly chosen: number; readonly rejected: number },
): readonly [number, number] {
  if (most.chosen >= most.rejected) {
    const chosen = Math.min(tokens, most.chosen);
    return [chosen, Math.min(tokens - chosen, most.rejected)];
  }
  const rejected = Math.min(tokens, most.rejected);
  return [Math.min(tokens - rejected, most.chosen), rejected];
}

/** A prompt or a reply has a token at least. */
function pairOf(prompt: number, [chosen, rejected]: readonly [number, number], replies: Read) {
  const whole = (tokens: number) => Math.max(1, Math.round(tokens));
  return {
    prompt: whole(prompt),
    chosen: whole(chosen),
    rejected: replies === "both" ? whole(rejected) : null,
  };
}

/** What a pair adds to a run. */
export function pairSize({ prompt, chosen, rejected }: PairLengths): Size {
  return sizeOfLengths(prompt, rejected === null ? [chosen] : [chosen, rejected]);
}
