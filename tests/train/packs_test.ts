import assert from "node:assert/strict";
import { Random } from "../../core/random.ts";
import { Graph } from "../../train/graph/graph.ts";
import { attention, causalMask, reshape, tokenLogp, transpose } from "../../train/graph/ops.ts";
import { toOnnx } from "../../train/graph/to_onnx.ts";
import { openScorer, type Sequence } from "../../train/logps.ts";
import { FAMILIES } from "../../train/models/families.ts";
import type { Model } from "../../train/models/model.ts";
import { RotaryAngles } from "../../train/models/rotary_angles.ts";
import { Transformer, weightInputs } from "../../train/models/transformer.ts";
import { replyOrder } from "../../train/pack_plan.ts";
import { layOut, type Pack } from "../../train/packs.ts";
import { divideIntoRuns, type RunLimits, sizeOfLengths } from "../../train/pair_packs.ts";
import { openRuntime } from "../../train/runtime/open_runtime.ts";
import { int64 } from "../../core/tensor.ts";
import { goldenModel, relativeError } from "./golden.ts";
import { tinyModel } from "./tiny_run.ts";

const layout = {
  config: tinyModel.config,
  angles: new RotaryAngles(tinyModel.config),
  rests: true,
};
const tokens = (...ids: number[]) => Int32Array.from(ids);
const numbers = ({ data }: { readonly data: ArrayLike<number | bigint> }) =>
  Array.from(data, Number);

Deno.test("layOut() reads a prompt once and points each reply token at its predecessor", () => {
  const pack = layOut([
    { prompt: tokens(6), replies: [tokens(7)] },
    { prompt: tokens(1, 2), replies: [tokens(3, 4, 5), tokens(8, 9)] },
  ], layout);
  // Prompts, then first replies without their last tokens, then second ones, then the pad.
  assert.deepEqual(numbers(pack.ids), [6, 1, 2, 3, 4, 8, 0]);
  assert.deepEqual(numbers(pack.targets), [7, 3, 4, 5, 8, 9]);
  assert.deepEqual(numbers(pack.positions), [0, 2, 3, 4, 2, 5]);
  assert.deepEqual(numbers(pack.segments), [0, 1, 1, 1, 2, 2]);
  // Both replies begin behind the same prompt, at its position 2.
  const half = tinyModel.config.headDim / 2;
  const cosines = numbers(pack.cos).filter((_, i) => i % half === 0);
  const positions = [0, 0, 1, 2, 3, 2, 0];
  assert.deepEqual(cosines, positions.map((position) => Math.fround(Math.cos(position))));
  // One token of each reply beside a prompt of two, then what is left of the reply of two.
  const orders = [pack.replyOrder, pack.replyKeyOrder, pack.restOrder!, pack.restKeyOrder!];
  assert.deepEqual(orders.map(({ dims }) => dims), [
    ...[[1, 1, 1], [3, 1, 1, 3]],
    ...[[1, 1, 1], [1, 1, 1, 4]],
  ]);
  // Of a prompt of one token there is no second one to see.
  assert.deepEqual(orders.map(numbers), [[0], [0, 2 ** 24, 0, 0, 0, 0, 0, 0, 0], [1], [
    0,
    0,
    0,
    1,
  ]]);
});

Deno.test("layOut() tells each slot its row and each row its slots", () => {
  const pack = layOut([{ prompt: tokens(1, 2), replies: [tokens(3, 4, 5), tokens(8, 9)] }], layout);
  const slots = [pack.promptKeys, pack.replyKeys, pack.restKeys!].flatMap(numbers);
  const [rows, heads, copies] = pack.keySlots.dims;
  numbers(pack.keySlots).forEach((slot, i) => {
    const row = Math.floor(i / copies);
    if (slot < slots.length) assert.equal(slots[slot], row);
    else assert.equal(slot, slots.length);
  });
  // All slots but those of the pad are told.
  const told = numbers(pack.keySlots).filter((slot) => slot < slots.length).length;
  assert.equal(told, slots.filter((row) => row < (rows - 1) * heads).length);
});

/** Pairs of a query and a key in the grids of replies and of rests. */
function replyCells(pack: Pack): number {
  return pack.replyOrder.dims[1] * numbers(pack.replyKeyOrder).length +
    pack.restOrder!.dims[1] * numbers(pack.restKeyOrder!).length;
}

Deno.test("layOut() gives the pad a slot, and computes no more cells than one grid of replies would", () => {
  for (const lengths of [[1], [2], [1, 1], [4, 4], [9, 2], [2, 9], [3, 5, 8, 13], [40, 4, 4, 4]]) {
    const replies = lengths.map((length) => new Int32Array(length).fill(3));
    const pack = layOut([{ prompt: tokens(1, 2), replies }], layout);
    const pad = pack.ids.dims[0] - 1;
    const heads = tinyModel.config.heads;
    const queries = [pack.promptQueries, pack.replyQueries, pack.restQueries!].flatMap(numbers);
    // Each row of queries, the pad's among them, is where it is told to be.
    numbers(pack.querySlots).forEach((slot, row) => assert.equal(queries[slot], row));
    assert.equal(queries.filter((row) => row < pad * heads).length, pad * heads);
    const read = Math.max(1, Math.max(...lengths) - 1);
    // With room for the pad: a column where no slot is free, or a grid of one slot.
    const one = lengths.length * (read + 1) * (2 + read + 1);
    const computed = replyCells(pack);
    assert(computed <= one, `${lengths}: ${computed} cells instead of ${one}`);
  }
});

Deno.test("layOut() holds neither early tokens against late ones nor short replies against long ones", () => {
  const cells = (...replies: number[]) => {
    const prompt = new Int32Array(64).fill(1);
    const filled = replies.map((length) => new Int32Array(length + 1).fill(2));
    return replyCells(layOut([{ prompt, replies: filled }], layout));
  };
  assert.equal(cells(256, 256), 2 * 128 * (64 + 128) + 2 * 129 * (64 + 256));
  assert.equal(cells(256, 100), 2 * 100 * (64 + 100) + 157 * (64 + 256));
});

Deno.test("layOut() refuses a pack without replies, and prompts or replies without tokens", () => {
  assert.throws(() => layOut([], layout), new RangeError("Expected at least one reply."));
  assert.throws(
    () => layOut([{ prompt: tokens(1), replies: [tokens(), tokens(2)] }], layout),
    new RangeError("Expected prompt 0 and its replies to have tokens but found 1 and 0 and 1."),
  );
});

Deno.test("layOut() lets each query see some key, also those that nothing reads", () => {
  for (const lengths of [[1], [4, 4], [9, 2], [3, 5, 8, 13], [40, 4, 4, 4]]) {
    const replies = lengths.map((length) => new Int32Array(length).fill(3));
    for (const rests of [true, false]) {
      const prompts = [tokens(1), tokens(4, 5, 6, 7)];
      const pack = layOut(prompts.map((prompt) => ({ prompt, replies })), { ...layout, rests });
      const grids = [[pack.replyOrder, pack.replyKeyOrder], [pack.restOrder, pack.restKeyOrder]];
      for (const [queries, keys] of rests ? grids : grids.slice(0, 1)) {
        const first = Math.min(...numbers(queries!));
        const seen = keys!.dims[3];
        for (let row = 0; row < keys!.dims[0]; row++) {
          const orders = keys!.data.subarray(row * seen, (row + 1) * seen);
          assert(orders.some((order) => order <= first), `${lengths}: row ${row}`);
        }
      }
    }
  }
});

const LIMITS = { tokens: 4096, logitsPerToken: 10, hiddenSize: 64 };

Deno.test("divideIntoRuns() keeps to its limits, and gives what is too long a run of its own", () => {
  const sizes = [5, 40, 8, 30, 3].map((tokens) => sizeOfLengths(tokens - 2, [2]));
  const runs = divideIntoRuns(sizes, { ...LIMITS, tokens: 32 });
  assert.deepEqual(runs.flat().sort(), [0, 1, 2, 3, 4]);
  for (const rows of runs) {
    const total = rows.reduce((sum, row) => sum + sizes[row].tokens, 0);
    assert(total <= 32 || rows.length === 1, `${rows} hold ${total} tokens`);
  }
  assert.equal(divideIntoRuns(sizes, { ...LIMITS, pairs: 2 }).length, 3);
});

Deno.test("divideIntoRuns() gives one run what fits one, and no run to what is left over", () => {
  const sizes = Array.from({ length: 64 }, () => sizeOfLengths(6, [6]));
  assert.equal(divideIntoRuns(sizes, LIMITS).length, 1);
  assert.equal(divideIntoRuns(sizes, { ...LIMITS, tokens: 400 }).length, 2);
});

Deno.test("divideIntoRuns() does not make the grids of short pairs as long as a long one's", () => {
  const short = Array.from({ length: 25 }, () => sizeOfLengths(20, [30, 30]));
  const wide = { ...LIMITS, hiddenSize: 256 };
  const runs = divideIntoRuns([...short, sizeOfLengths(1000, [500, 500])], wide);
  assert.deepEqual(runs.map(({ length }) => length), [1, 25]);
  // What is a little longer is no reason for another run.
  assert.equal(divideIntoRuns([...short, sizeOfLengths(40, [60, 60])], wide).length, 1);
  // Neither does one of few tokens, where a run holds few.
  const few = Array.from({ length: 100 }, () => sizeOfLengths(1, [1, 1]));
  assert(
    divideIntoRuns([...few, sizeOfLengths(30, [30, 30])], { ...wide, tokens: 512 }).length > 1,
  );
});

/** What a run's grids hold for nothing, in tokens, slot by slot and cell by cell. */
function wastedPlainly(sizes: readonly Lengths[], hiddenSize: number): number {
  const most = (lengths: readonly number[]) => Math.max(...lengths);
  const [Tp, Tr] = [most(sizes.map(([p]) => p)), most(sizes.flatMap(([, ...r]) => r))];
  let [slots, cells] = [0, 0];
  for (const [prompt, ...replies] of sizes) {
    slots += Tp - prompt;
    cells += Tp * Tp - prompt * prompt;
    for (const reply of replies) {
      slots += Tr - reply;
      cells += Tr * (Tp + Tr) - reply * (prompt + reply);
    }
  }
  return slots + cells / hiddenSize;
}

/** Tokens of a prompt, then of its replies. */
type Lengths = readonly [number, ...number[]];

/** The division as its rules say it: each run's totals are added up anew for every row. */
function dividedPlainly(
  lengths: readonly Lengths[],
  { tokens, pairs = Infinity, logitsPerToken, hiddenSize }: RunLimits,
): number[][] {
  const sum = (numbers: readonly number[]) => numbers.reduce((total, each) => total + each, 0);
  const total = (rows: readonly number[]) => sum(rows.map((row) => sum(lengths[row])));
  const replyTokens = (rows: readonly number[]) =>
    sum(rows.map((row) => sum(lengths[row].slice(1))));
  const rows = lengths.map((_, row) => row)
    .sort((a, b) => total([b]) - total([a]) || a - b);
  const fewest = Math.ceil(total(rows) / tokens);
  const even = total(rows) / fewest;
  const runs: number[][] = [];
  for (const row of rows) {
    const run = runs.at(-1) ?? [];
    const more = [...run, row];
    const fits = more.length <= pairs && total(more) <= tokens &&
      replyTokens(more) <= Math.max(1, Math.floor(2 ** 26 / logitsPerToken)) &&
      wastedPlainly(more.map((row) => lengths[row]), hiddenSize) <= tokens;
    const stops = runs.length < fewest && total(run) >= even * 0.98;
    if (run.length > 0 && !stops && fits) run.push(row);
    else runs.push([row]);
  }
  return runs;
}

Deno.test("divideIntoRuns() divides as its rules say, whatever the sizes and limits", () => {
  const random = Random.seeded(11, "runs");
  for (let i = 0; i < 200; i++) {
    const most = random.between(1, 80);
    const lengths = Array.from({ length: random.between(1, 60) }, (): Lengths => {
      const replies = Array.from({ length: random.between(1, 3) }, () => random.between(1, most));
      return [random.between(1, 40), ...replies];
    });
    const limits = {
      tokens: random.between(20, 900),
      logitsPerToken: Math.floor(2 ** 26 / random.between(10, 500)),
      hiddenSize: random.between(4, 400),
      ...(random.integer(2) === 0 ? {} : { pairs: random.between(1, 9) }),
    };
    const sizes = lengths.map(([prompt, ...replies]) => sizeOfLengths(prompt, replies));
    assert.deepEqual(divideIntoRuns(sizes, limits), dividedPlainly(lengths, limits));
  }
});

Deno.test("replyOrder() numbers all first replies, then all second ones, as layOut() does", () => {
  const groups = [
    { prompt: tokens(1), replies: [tokens(5), tokens(6), tokens(7)] },
    { prompt: tokens(2), replies: [tokens(8)] },
    { prompt: tokens(3), replies: [tokens(9), tokens(10)] },
  ];
  const order = replyOrder(groups).map(({ group, reply }) => groups[group].replies[reply]);
  assert.deepEqual(order.flatMap((ids) => [...ids]), [5, 8, 9, 6, 10, 7]);
  const { targets, segments } = layOut(groups, layout);
  assert.deepEqual(numbers(targets), [5, 8, 9, 6, 10, 7]);
  assert.deepEqual(numbers(segments), [0, 1, 2, 3, 4, 5]);
});

/** One sequence as a plain causal model reads it, prompt and reply in one row: the oracle. */
async function plainLogp({ config, weights }: Model, { prompt, reply }: Sequence): Promise<number> {
  const graph = new Graph({ dtype: "float32" });
  const transformer = new Transformer(config, weightInputs(graph, config));
  const ids = [...prompt, ...reply];
  const T = ids.length - 1;
  const angle = (name: string) => graph.input(name, "float32", [T, config.headDim / 2]);
  const angles = { cos: angle("cos"), sin: angle("sin") };
  let x = transformer.embed(transformer.lookUp(graph.input("ids", "int64", [1, T])));
  for (let layer = 0; layer < config.layers; layer++) {
    const projected = transformer.project(x, layer, angles);
    const headsFirst = [projected.q, projected.k, projected.v]
      .map((value) => transpose(value, [0, 2, 1, 3]));
    const [q, k, v] = headsFirst;
    const seen = attention({ q, k, v, mask: causalMask(graph, T), scale: transformer.scale });
    const mixed = reshape(transpose(seen, [0, 2, 1, 3]), [1, T, config.heads * config.headDim]);
    x = transformer.finish(x, mixed, layer);
  }
  const logits = transformer.logits(reshape(x, [T, config.hiddenSize]));
  graph.output("logps", tokenLogp(logits, graph.input("targets", "int64", [T])));
  const session = await (await openRuntime({ threads: 1 })).session(toOnnx(graph));
  const { logps } = await session.run({
    ...Object.fromEntries(weights),
    ...new RotaryAngles(config).table(0, T),
    ids: int64([1, T], ids.slice(0, -1)),
    targets: int64([T], ids.slice(1)),
  });
  await session.release();
  return numbers(logps as never).slice(prompt.length - 1).reduce((sum, logp) => sum + logp, 0);
}

for (const family of FAMILIES) {
  Deno.test(`packed log-probs of a ${family} model equal those of one sequence at a time to 1e-5`, async () => {
    const model = await goldenModel(family);
    const random = Random.seeded(7, "packs", family);
    const draw = (low: number, high: number) =>
      Int32Array.from(
        { length: random.between(low, high) },
        () => random.integer(model.config.vocabSize),
      );
    const prompts = Array.from({ length: 3 }, () => draw(1, 9));
    const sequences = Array.from(
      { length: 8 },
      (_, i) => ({ prompt: prompts[i % 3], reply: draw(1, 12) }),
    );
    const plain = await Promise.all(sequences.map((sequence) => plainLogp(model, sequence)));
    // With a grid of rests, as wide models have it, and without.
    for (const rests of [true, false]) {
      const scorer = await openScorer(model, { threads: 1, rests });
      const packed = await scorer.logps(sequences);
      await scorer.release();
      packed.forEach((logp, i) =>
        assert(relativeError(logp, plain[i]) <= 1e-5, `${i}, ${rests}: ${logp} ≠ ${plain[i]}`)
      );
    }
  });
}
