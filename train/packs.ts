import { float32, type Tensor } from "../core/tensor.ts";
import type { ModelConfig } from "./models/config.ts";
import { MASKED } from "./graph/ops.ts";
import type { RotaryAngles } from "./models/rotary_angles.ts";

/** A prompt and the replies that follow it, as token ids. The prompt is computed once for all. */
export interface PromptedReplies {
  readonly prompt: Int32Array;
  readonly replies: readonly Int32Array[];
}

/**
 * Prompts and replies as a model's graph is fed them, side by side and without padding: G prompts, S
 * replies, N tokens, M reply tokens to score. The last token of a reply is only predicted, never read.
 *
 * Only attention sees grids: prompts (G, Tp) read themselves, replies (S, Tr) read U = Tp + Tr keys,
 * those of their prompt and their own. The last of the N tokens is a pad that fills empty slots; what
 * it computes is never read, so its cotangents are zero.
 */
export interface Pack {
  /** Tokens of all prompts, then of all replies, then the pad, (N). */
  readonly ids: Tensor<"int64">;
  /** (N, C/2) */
  readonly cos: Tensor<"float32">;
  readonly sin: Tensor<"float32">;
  /** Which row of queries (N·H) fills each slot of the grids, (G, H, Tp) and (S, H, Tr). */
  readonly promptQueries: Tensor<"int64">;
  readonly replyQueries: Tensor<"int64">;
  /** Which row of keys (N·K) fills each slot, (G, K, Tp) and (S, K, U). */
  readonly promptKeys: Tensor<"int64">;
  readonly replyKeys: Tensor<"int64">;
  /** The slot, over both grids, that each row of queries fills, (N, H). */
  readonly querySlots: Tensor<"int64">;
  /** The slots, over both grids, that each row of keys fills, (N, K, E); see `Routing.inverse`. */
  readonly keySlots: Tensor<"int64">;
  /** 0 where a reply's token sees a key, else very low, (S, 1, Tr, U). */
  readonly replyMask: Tensor<"float32">;
  /** The token whose hidden state predicts each reply token, (M). */
  readonly positions: Tensor<"int64">;
  /** The reply tokens that each token predicts, (N, X); see `Routing.inverse`. */
  readonly predictions: Tensor<"int64">;
  /** The reply tokens, (M). */
  readonly targets: Tensor<"int64">;
  /** The reply that each of them belongs to, (M). */
  readonly segments: Tensor<"int64">;
}

/** Where everything of a pack lies. */
interface Plan {
  readonly prompts: readonly Placed[];
  readonly replies: readonly (Placed & { readonly prompt: Placed; readonly target: Int32Array })[];
  /** N, without the pad: the pad's own place. */
  readonly pad: number;
  readonly promptTime: number;
  readonly replyTime: number;
  readonly replyTokens: number;
}

/** Tokens that lie side by side, in one row of a grid. */
interface Placed {
  readonly ids: Int32Array;
  readonly row: number;
  /** The first one's number among the N. */
  readonly start: number;
  /** The first one's position in its sequence. */
  readonly position: number;
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
 * Lays prompts and replies out. Replies are numbered as `replyOrder` has them.
 *
 * @throws RangeError when there is no reply, or a prompt or a reply is empty
 */
export function layOut(
  groups: readonly PromptedReplies[],
  { config, angles }: { readonly config: ModelConfig; readonly angles: RotaryAngles },
): Pack {
  const plan = planPack(groups);
  const { heads, keyValueHeads } = config;
  const { promptTime, replyTime, prompts, replies } = plan;
  const queryGrids = [promptTime, replyTime].map((time) => ({ time, heads }));
  const keyTimes = [promptTime, promptTime + replyTime];
  const keyGrids = keyTimes.map((time) => ({ time, heads: keyValueHeads }));
  const promptCells = prompts.map((prompt) => [{ from: 0, tokens: prompt }]);
  const queryCells = [promptCells, replies.map((reply) => [{ from: 0, tokens: reply }])];
  const keyCells = [
    promptCells,
    replies.map((reply) => [
      { from: 0, tokens: reply.prompt },
      { from: promptTime, tokens: reply },
    ]),
  ];
  const queries = fillGrids(queryCells, queryGrids, plan.pad);
  const keys = fillGrids(keyCells, keyGrids, plan.pad);
  return {
    ids: int64([plan.pad + 1], idsOf(plan)),
    ...anglesOf(plan, angles),
    promptQueries: queries.grids[0],
    replyQueries: queries.grids[1],
    promptKeys: keys.grids[0],
    replyKeys: keys.grids[1],
    querySlots: inverseOf(queries, { rows: (plan.pad + 1) * heads, dims: [plan.pad + 1, heads] }),
    keySlots: inverseOf(keys, {
      rows: (plan.pad + 1) * keyValueHeads,
      dims: [plan.pad + 1, keyValueHeads],
      unusedFrom: plan.pad * keyValueHeads,
    }),
    replyMask: maskOf(plan),
    ...scoredOf(plan),
  };
}

function planPack(groups: readonly PromptedReplies[]): Plan {
  let start = 0;
  const place = (ids: Int32Array, row: number, position: number): Placed => {
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
  const longest = (rows: readonly Placed[]) => Math.max(...rows.map(({ ids }) => ids.length));
  const promptTime = longest(prompts);
  const read = start;
  // The pad needs a slot of its own.
  const isFull = prompts.length * promptTime + replies.length * longest(replies) === read;
  return {
    prompts,
    replies,
    pad: read,
    promptTime,
    replyTime: Math.max(1, longest(replies) + (isFull ? 1 : 0)),
    replyTokens: replies.reduce((sum, { target }) => sum + target.length, 0),
  };
}

function idsOf({ prompts, replies, pad }: Plan): Int32Array {
  const ids = new Int32Array(pad + 1);
  for (const { ids: from, start } of [...prompts, ...replies]) ids.set(from, start);
  return ids;
}

function anglesOf({ prompts, replies, pad }: Plan, angles: RotaryAngles) {
  const positions = new Int32Array(pad + 1);
  for (const { ids, start, position } of [...prompts, ...replies]) {
    for (let t = 0; t < ids.length; t++) positions[start + t] = position + t;
  }
  return angles.at(positions);
}

/** Some tokens in a row of a grid, from one of its columns on. */
interface Cells {
  readonly from: number;
  readonly tokens: Placed;
}

/** Rows of cells as slots (rows, heads, time), in which head h of token n is row n·heads + h. */
function fillGrids(
  cells: readonly (readonly (readonly Cells[])[])[],
  sizes: readonly { readonly time: number; readonly heads: number }[],
  pad: number,
) {
  const grids = cells.map((rows, i) => {
    const { time, heads } = sizes[i];
    const slots = new Int32Array(rows.length * heads * time);
    for (let r = 0; r < rows.length * heads; r++) {
      const head = r % heads;
      slots.fill(pad * heads + head, r * time, (r + 1) * time);
      for (const { from, tokens } of rows[(r - head) / heads]) {
        for (let t = 0; t < tokens.ids.length; t++) {
          slots[r * time + from + t] = (tokens.start + t) * heads + head;
        }
      }
    }
    return { dims: [rows.length, heads, time], slots };
  });
  return {
    slots: grids.map(({ slots }) => slots),
    grids: grids.map(({ dims, slots }) => int64(dims, slots)),
  };
}

/** For each row the slots that it fills; rows from `unusedFrom` on, the pad's, count as filling none. */
function inverseOf(
  { slots }: { readonly slots: readonly Int32Array[] },
  { rows, dims, unusedFrom }: {
    readonly rows: number;
    readonly dims: readonly number[];
    readonly unusedFrom?: number;
  },
): Tensor<"int64"> {
  const total = slots.reduce((sum, { length }) => sum + length, 0);
  const all = new Int32Array(total);
  slots.reduce((offset, part) => (all.set(part, offset), offset + part.length), 0);
  if (unusedFrom === undefined) {
    const single = new Int32Array(rows);
    all.forEach((row, slot) => single[row] = slot);
    return int64(dims, single);
  }
  const counts = new Int32Array(rows);
  for (const row of all) if (row < unusedFrom) counts[row]++;
  const copies = counts.reduce((most, count) => Math.max(most, count), 1);
  const inverse = new Int32Array(rows * copies).fill(total);
  counts.fill(0);
  all.forEach((row, slot) => {
    if (row < unusedFrom) inverse[row * copies + counts[row]++] = slot;
  });
  return int64([...dims, copies], inverse);
}

function maskOf({ replies, promptTime, replyTime }: Plan): Tensor<"float32"> {
  const keys = promptTime + replyTime;
  const mask = new Float32Array(replies.length * replyTime * keys).fill(MASKED);
  replies.forEach(({ prompt }, s) => {
    for (let t = 0; t < replyTime; t++) {
      const row = (s * replyTime + t) * keys;
      mask.fill(0, row, row + prompt.ids.length);
      mask.fill(0, row + promptTime, row + promptTime + t + 1);
    }
  });
  return float32([replies.length, 1, replyTime, keys], mask);
}

/** What predicts each reply token: the token before it, for the first one the prompt's last. */
function scoredOf({ replies, pad, replyTokens }: Plan) {
  const positions = new Int32Array(replyTokens);
  const targets = new Int32Array(replyTokens);
  const segments = new Int32Array(replyTokens);
  let m = 0;
  replies.forEach(({ prompt, start, target }, s) => {
    targets.set(target, m);
    segments.fill(s, m, m + target.length);
    positions[m++] = prompt.start + prompt.ids.length - 1;
    for (let t = 1; t < target.length; t++) positions[m++] = start + t - 1;
  });
  return {
    positions: int64([replyTokens], positions),
    predictions: inverseOf({ slots: [positions] }, {
      rows: pad + 1,
      dims: [pad + 1],
      unusedFrom: pad,
    }),
    targets: int64([replyTokens], targets),
    segments: int64([replyTokens], segments),
  };
}

/** Non-negative integers as int64: written as the low halves, since BigInts are slow to make. */
function int64(dims: readonly number[], values: Int32Array): Tensor<"int64"> {
  const halves = new Int32Array(2 * values.length);
  for (let i = 0; i < values.length; i++) halves[2 * i] = values[i];
  return { dtype: "int64", dims, data: new BigInt64Array(halves.buffer) };
}
