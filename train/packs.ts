import {
  type Layout,
  type Placed,
  type PlacedReply,
  type Plan,
  planPack,
  type PromptedReplies,
} from "./pack_plan.ts";
import { float32, type Tensor } from "../core/tensor.ts";
import type { AttentionBlocks } from "./models/attention_blocks.ts";
import type { ModelConfig } from "./models/config.ts";
import type { RotaryAngles } from "./models/rotary_angles.ts";

/**
 * Prompts and replies as a model's graph is fed them, side by side and without padding: G prompts, S
 * replies, N tokens, M reply tokens to score. The last token of a reply is only predicted, never read.
 *
 * Only attention sees grids: prompts (G, Tp) read themselves; the first Tr tokens of all replies
 * (S, Tr) read U ≥ Tp + Tr keys, those of their prompt and their own; the rests of the L replies that
 * go on (L, Tl) read their prompt and their whole reply. So tokens that come early are not held
 * against all that comes later, nor short replies against the longest. Without the grid of rests
 * (`holdsRests`), whole replies are in the first. The last of the N tokens is a pad that fills empty
 * slots; what it computes is never read, so its cotangents are zero.
 */
export interface Pack {
  /** Tokens of all prompts, then of all replies, then the pad, (N). */
  readonly ids: Tensor<"int64">;
  /** (N, C/2) */
  readonly cos: Tensor<"float32">;
  readonly sin: Tensor<"float32">;
  /** Which row of queries (N·H) fills each slot of the grids: (G, H, Tp), (S, H, Tr), (L, H, Tl). */
  readonly promptQueries: Tensor<"int64">;
  readonly replyQueries: Tensor<"int64">;
  readonly restQueries?: Tensor<"int64">;
  /** Which row of keys (N·K) fills each slot: (G, K, Tp), (S, K, U), (L, K, Ul). */
  readonly promptKeys: Tensor<"int64">;
  readonly replyKeys: Tensor<"int64">;
  readonly restKeys?: Tensor<"int64">;
  /** The slot, over all grids, that each row of queries fills, (N, H). */
  readonly querySlots: Tensor<"int64">;
  /** The slots, over all grids, that each row of keys fills, (N, K, E); see `Routing.inverse`. */
  readonly keySlots: Tensor<"int64">;
  /**
   * Orders of queries, block by block: (n, Qp, 1), (n, Qr, 1), (n, Ql, 1). Where attention is computed all
   * at once, in one block, and none of prompts.
   */
  readonly promptOrder?: Tensor<"float32">;
  readonly replyOrder: Tensor<"float32">;
  readonly restOrder?: Tensor<"float32">;
  /** Orders of keys, of which a query sees those up to its own: (S, 1, 1, U), (L, 1, 1, Ul). */
  readonly replyKeyOrder: Tensor<"float32">;
  readonly restKeyOrder?: Tensor<"float32">;
  /** The token whose hidden state predicts each reply token, (M). */
  readonly positions: Tensor<"int64">;
  /** The reply tokens that each token predicts, (N, X); see `Routing.inverse`. */
  readonly predictions: Tensor<"int64">;
  /** The reply tokens, (M). */
  readonly targets: Tensor<"int64">;
  /** The reply that each of them belongs to, (M). */
  readonly segments: Tensor<"int64">;
}

/**
 * Lays prompts and replies out. Replies are numbered as `replyOrder` has them.
 *
 * @throws RangeError when there is no reply, or a prompt or a reply is empty
 */
export function layOut(
  groups: readonly PromptedReplies[],
  { config, angles, ...layout }: Layout & {
    readonly config: ModelConfig;
    readonly angles: RotaryAngles;
  },
): Pack {
  const plan = planPack(groups, layout);
  const { heads, keyValueHeads } = config;
  const queries = fillGrids(queryCells(plan), heads, plan.pad);
  const keys = fillGrids(keyCells(plan), keyValueHeads, plan.pad);
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
    ...plan.rests && { restQueries: queries.grids[2], restKeys: keys.grids[2] },
    ...ordersOf(plan, layout.blocks),
    ...scoredOf(plan),
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

/** A grid of so many columns, by what fills its rows. */
interface GridCells {
  readonly time: number;
  readonly rows: readonly (readonly Cells[])[];
}

/** A row that nothing fills, for a grid that would have none. */
const EMPTY: readonly (readonly Cells[])[] = [[]];

function queryCells({ prompts, replies, rests, promptTime, replyTime, restTime }: Plan) {
  const rows = (tokens: readonly Placed[]) => tokens.map((placed) => [{ from: 0, tokens: placed }]);
  return [
    { time: promptTime, rows: rows(prompts) },
    { time: replyTime, rows: rows(replies.map((reply) => part(reply, 0, replyTime))) },
    ...rests === null ? [] : [{
      time: restTime,
      rows: rests.length === 0 ? EMPTY : rows(rests.map((reply) => part(reply, replyTime))),
    }],
  ];
}

function keyCells(plan: Plan): GridCells[] {
  const { prompts, replies, rests, promptTime, replyTime, replyKeys, restKeys } = plan;
  const row = ({ prompt }: PlacedReply, tokens: Placed) => [
    { from: 0, tokens: prompt },
    { from: promptTime, tokens },
  ];
  return [
    { time: promptTime, rows: prompts.map((prompt) => [{ from: 0, tokens: prompt }]) },
    {
      time: replyKeys,
      rows: replies.map((reply) => row(reply, part(reply, 0, replyTime))),
    },
    ...rests === null ? [] : [{
      time: restKeys,
      rows: rests.length === 0 ? EMPTY : rests.map((reply) => row(reply, reply)),
    }],
  ];
}

/** Some of what lies side by side. */
function part(placed: Placed, from: number, to?: number): Placed {
  const { ids, row, start, position } = placed;
  return { ids: ids.subarray(from, to), row, start: start + from, position: position + from };
}

/** Rows of cells as slots (rows, heads, time), in which head h of token n is row n·heads + h. */
function fillGrids(cells: readonly GridCells[], heads: number, pad: number) {
  const grids = cells.map(({ time, rows }) => {
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

/** The replies of each grid of them, and what is where in it. */
function replyGrids(plan: Plan) {
  const { replies, rests, promptTime, replyTime, replyKeys, restTime, restKeys } = plan;
  return {
    first: { replies, cells: { from: 0, time: replyTime, promptTime, keys: replyKeys } },
    rest: rests && {
      replies: rests,
      cells: { from: replyTime, time: restTime, promptTime, keys: restKeys },
    },
  };
}

/** What some replies read in a grid, from one of each reply's tokens on. */
interface ReplyCells {
  readonly from: number;
  readonly time: number;
  readonly promptTime: number;
  readonly keys: number;
}

type Orders = Pick<
  Pack,
  "promptOrder" | "replyOrder" | "restOrder" | "replyKeyOrder" | "restKeyOrder"
>;

function ordersOf(plan: Plan, blocks?: AttentionBlocks): Orders {
  const { first, rest } = replyGrids(plan);
  const { replies = 1 } = blocks ?? {};
  return {
    ...blocks && { promptOrder: queryOrder({ from: 0, time: plan.promptTime }, blocks.prompts) },
    replyOrder: queryOrder(first.cells, replies),
    replyKeyOrder: keyOrder(first.replies, first.cells),
    ...rest && {
      restOrder: queryOrder(rest.cells, replies),
      restKeyOrder: keyOrder(rest.replies, rest.cells),
    },
  };
}

/** Queries by their place in the prompt or reply, in blocks. */
function queryOrder(
  { from, time }: Pick<ReplyCells, "from" | "time">,
  blocks: number,
): Tensor<"float32"> {
  const order = Float32Array.from({ length: time }, (_, t) => from + t);
  return float32([blocks, time / blocks, 1], order);
}

/** The order of a key that no query sees; float32 holds all whole numbers up to it. */
const UNSEEN = 2 ** 24;

/**
 * Keys by their place in the reply; those of its prompt come first of all, where a shorter prompt has
 * none is nothing to see. One row where there is no reply, of which all may be seen.
 */
function keyOrder(
  replies: readonly PlacedReply[],
  { promptTime, keys }: ReplyCells,
): Tensor<"float32"> {
  const rows = Math.max(1, replies.length);
  const order = new Float32Array(rows * keys);
  replies.forEach(({ prompt }, s) => {
    const row = order.subarray(s * keys, (s + 1) * keys);
    row.fill(UNSEEN, prompt.ids.length, promptTime);
    for (let key = promptTime; key < keys; key++) row[key] = key - promptTime;
  });
  return float32([rows, 1, 1, keys], order);
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
