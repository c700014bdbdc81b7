import type { TokenIds } from "../data/pair.ts";
import type { Target } from "./graph/target.ts";
import type { AttentionBlocks } from "./models/attention_blocks.ts";
import type { ModelConfig } from "./models/config.ts";

/** A prompt and the replies that follow it, as token ids. The prompt is computed once for all. */
export interface PromptedReplies {
  readonly prompt: TokenIds;
  readonly replies: readonly TokenIds[];
}

/** A reply, by its prompt's place among the groups and its own after the prompt. */
export interface ReplyPlace {
  readonly group: number;
  readonly reply: number;
}

/** Replies in the order that a pack numbers them: all first ones, then all second ones, and so on. */
export function replyOrder(groups: readonly Pick<PromptedReplies, "replies">[]): ReplyPlace[] {
  return groups
    .flatMap(({ replies }, group) => replies.map((_, reply): ReplyPlace => ({ group, reply })))
    .sort((a, b) => a.reply - b.reply); // stable: of the same place by group
}

/**
 * Whether rests of replies have a grid of their own, unless told: it spares arithmetic, which wide
 * models on a processor wait for, and adds to each layer's nodes, which narrow ones and GPUs wait for.
 */
export function holdsRests(
  { hiddenSize }: Pick<ModelConfig, "hiddenSize">,
  target: Target = "cpu",
): boolean {
  return target === "cpu" && hiddenSize >= 256;
}

/** Where everything of a pack lies. */
export interface Plan {
  readonly prompts: readonly Placed[];
  readonly replies: readonly PlacedReply[];
  /** What reads the grid of rests, null without one: where there is nothing, it has one slot. */
  readonly rests: readonly PlacedReply[] | null;
  /** N, without the pad: the pad's own place. */
  readonly pad: number;
  readonly promptTime: number;
  /** Tokens that replies have in the first grid, at most. */
  readonly replyTime: number;
  /** Keys of the first grid: of prompts and replies, and slots behind them that no token sees. */
  readonly replyKeys: number;
  readonly restTime: number;
  /** Keys of the second grid. */
  readonly restKeys: number;
  readonly replyTokens: number;
}

/** Tokens that lie side by side, in one row of a grid. */
export interface Placed {
  readonly ids: TokenIds;
  readonly row: number;
  /** The first one's number among the N. */
  readonly start: number;
  /** The first one's position in its sequence. */
  readonly position: number;
}

export interface PlacedReply extends Placed {
  readonly prompt: Placed;
  readonly target: TokenIds;
}

/** How a pack is laid out, as the graph has it that is fed. */
export interface Layout {
  /** Whether rests of replies have a grid of their own. */
  readonly rests: boolean;
  /** Blocks that the queries of each grid are divided into; none unless given. */
  readonly blocks?: AttentionBlocks;
}

/**
 * Places prompts and replies. Replies are numbered as `replyOrder` has them. Grids that are divided have
 * room for blocks of one size.
 *
 * @throws RangeError when there is no reply, or a prompt or a reply is empty
 */
export function planPack(groups: readonly PromptedReplies[], layout: Layout): Plan {
  let start = 0;
  const place = (ids: TokenIds, row: number, position: number): Placed => {
    start += ids.length;
    return { ids, row, start: start - ids.length, position };
  };
  groups.forEach(({ prompt, replies }, g) => {
    if (prompt.length > 0 && replies.every((reply) => reply.length > 0)) return;
    const lengths = replies.map((reply) => reply.length).join(" and ");
    throw new RangeError(
      `Expected prompt ${g} and its replies to have tokens but found ${prompt.length} and ${lengths}.`,
    );
  });
  const prompts = groups.map(({ prompt }, g) => place(prompt, g, 0));
  const replies = replyOrder(groups).map((at, row) => {
    const { prompt, replies } = groups[at.group];
    const target = replies[at.reply];
    const placed = place(target.subarray(0, -1), row, prompt.length);
    return { ...placed, prompt: prompts[at.group], target };
  });
  if (replies.length === 0) throw new RangeError("Expected at least one reply.");
  return {
    prompts,
    replies,
    pad: start,
    replyTokens: replies.reduce((sum, { target }) => sum + target.length, 0),
    ...layout.rests
      ? divideReplies(prompts, replies, layout)
      : wholeReplies(prompts, replies, layout),
  };
}

type GridSizes = Pick<
  Plan,
  "promptTime" | "replyTime" | "replyKeys" | "rests" | "restTime" | "restKeys"
>;

function longest(rows: readonly Placed[]): number {
  return Math.max(...rows.map(({ ids }) => ids.length));
}

function countTokens(rows: readonly Placed[]): number {
  return rows.reduce((sum, { ids }) => sum + ids.length, 0);
}

/** The least multiple of a number of blocks that holds so many tokens. */
function roundUp(tokens: number, blocks: number): number {
  return blocks * Math.ceil(tokens / blocks);
}

/** Of how many a grid's keys are a multiple: ONNX Runtime's fused kernel reads so many numbers of a mask at once. */
function keyUnit({ fused = false }: AttentionBlocks): number {
  return fused ? 4 : 1;
}

/** Slots for prompts, which are queries and keys: blocks of one size. */
function promptSlots(prompts: readonly Placed[], blocks: AttentionBlocks): number {
  return roundUp(longest(prompts), blocks.prompts * keyUnit(blocks));
}

const WHOLE: AttentionBlocks = { prompts: 1, replies: 1 };

/** The grids' sizes without one of rests. */
function wholeReplies(
  prompts: readonly Placed[],
  replies: readonly PlacedReply[],
  { blocks = WHOLE }: Layout,
): GridSizes {
  const promptTime = promptSlots(prompts, blocks);
  const replyTime = roundUp(longest(replies), blocks.replies);
  const slots = prompts.length * promptTime + replies.length * replyTime;
  // The pad needs a slot of its own.
  const isFull = slots === countTokens(prompts) + countTokens(replies);
  const roomy = roundUp(Math.max(1, replyTime + (isFull ? 1 : 0)), blocks.replies);
  const replyKeys = roundUp(promptTime + roomy, keyUnit(blocks));
  return { promptTime, replyTime: roomy, replyKeys, rests: null, restTime: 0, restKeys: 0 };
}

/** The grids' sizes. */
function divideReplies(
  prompts: readonly Placed[],
  replies: readonly PlacedReply[],
  { blocks = WHOLE }: Layout,
): GridSizes {
  const promptTime = promptSlots(prompts, blocks);
  const first = firstTokens(replies.map(({ ids }) => ids.length), promptTime);
  const replyTime = roundUp(first, blocks.replies);
  const unit = keyUnit(blocks);
  const replyKeys = roundUp(promptTime + replyTime, unit);
  const rests = replies.filter(({ ids }) => ids.length > replyTime);
  if (rests.length === 0) {
    return { promptTime, replyTime, replyKeys, rests, restTime: blocks.replies, restKeys: unit };
  }
  const restTime = roundUp(longest(rests) - replyTime, blocks.replies);
  const slots = prompts.length * promptTime + replies.length * replyTime + rests.length * restTime;
  const filled = countTokens(prompts) + countTokens(replies);
  // The pad needs a slot of its own.
  const roomy = roundUp(restTime + (slots === filled ? 1 : 0), blocks.replies);
  return {
    promptTime,
    replyTime,
    replyKeys,
    rests,
    restTime: roomy,
    restKeys: roundUp(promptTime + longest(rests), unit),
  };
}

/**
 * How many tokens of each reply go to the first grid, so that both grids together compute least: all
 * of the shorter replies, or half of the longest.
 */
function firstTokens(lengths: readonly number[], promptTime: number): number {
  const most = Math.max(1, ...lengths);
  const cells = (first: number) => {
    const rests = lengths.filter((length) => length > first).length;
    return lengths.length * first * (promptTime + first) +
      rests * (most - first) * (promptTime + most);
  };
  return [...new Set(lengths), Math.ceil(most / 2)]
    .filter((first) => first > 0)
    .reduce((best, first) => cells(first) < cells(best) ? first : best, most);
}
