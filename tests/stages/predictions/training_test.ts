import assert from "node:assert/strict";
import { type ForeseenUpdate, updateMemory } from "../../../train/costs/update_memory.ts";
import { type MemoryPart, type Sizes, totalBytes } from "../../../pipeline/prediction.ts";
import { largestRuns } from "../../../stages/predictions/largest_runs.ts";
import {
  longestTokens,
  meanReading,
  rejectedAlone,
  tokenSizesOf,
} from "../../../stages/predictions/token_sizes.ts";
import { divideIntoRuns, type RunLimits, sizeOfLengths } from "../../../train/pair_packs.ts";
import { stages } from "../../../stages/registry.ts";
import { LARGE, MODEL, predict, TOKENS, TRAIN, training } from "./predict_stage.ts";

/** Longest lengths that make many logits. */
const LONG = {
  ...{ longestReplies: 1600, longestPair: 1700, longestSequence: 900 },
  ...{ longestPrompt: 100, longestChosen: 800, longestRejected: 800 },
};

Deno.test("training in several processes is the same work, in as much memory each but for moments", async () => {
  const parts = async (processes: number) => {
    const inputs = { model: [MODEL], tokens: [TOKENS], reference: [{ files: 1 }] };
    // A pair a run, so that a process's share of a batch is no smaller run.
    const params = { ...TRAIN, processes, microBatchPairs: 1 };
    const { memory, work } = await predict("train", params, { inputs });
    return { ...Object.fromEntries(memory!.map(({ what, bytes }) => [what, bytes])), work };
  };
  const [one, four] = [await parts(1), await parts(4)] as Record<string, unknown>[];
  assert.equal(one["under way"], undefined);
  // All that is trained fits the first buckets: of each process sent once and received once.
  assert.equal(four["under way"], 4 * 2 * (one.gradients as number));
  assert.deepEqual(four.work, one.work);
  assert.equal(four.moments, one.moments);
  for (const what of ["weights", "gradients", "activations", "process"]) {
    assert.equal(four[what], 4 * (one[what] as number), what);
  }
});

Deno.test("several processes of a host gather all moments for a checkpoint, GPUs' host as well", async () => {
  const inputs = { model: [MODEL], tokens: [TOKENS], reference: [{ files: 1 }] };
  const partsOf = async (params: Record<string, unknown>) => {
    const { memory } = await predict("train", { ...TRAIN, ...params }, { inputs });
    return Object.fromEntries(memory!.map(({ what, bytes }) => [what, bytes]));
  };
  const checkpointSteps = 5; // of ten
  const two = await partsOf({ processes: 2, checkpointSteps });
  assert.equal(two["moments gathered"], two.moments);
  assert.equal((await partsOf({ processes: 2 }))["moments gathered"], undefined);
  assert.equal((await partsOf({ checkpointSteps }))["moments gathered"], undefined);
  const onGpus = await partsOf({ processes: 2, checkpointSteps, device: "cuda:0" });
  assert.equal(onGpus["moments copied"], two["moments gathered"], "beside what GPUs hold");
});

Deno.test("offloaded moments are foreseen in host memory, and of a GPU what a piece of them takes", async () => {
  const inputs = { model: [LARGE], tokens: [TOKENS], reference: [{ files: 1 }] };
  const partsOf = async (params: Record<string, unknown>) =>
    (await predict("train", { ...TRAIN, device: "cuda:0", ...params }, { inputs })).memory!;
  const [placed, offloaded] = [await partsOf({}), await partsOf({ offloadMoments: true })];
  const moments = placed.find(({ what }) => what === "moments")!.bytes;
  const isOfUpdates = ({ what }: MemoryPart) => what.startsWith("moments") || what === "update";
  const updatesOf = (parts: readonly MemoryPart[]) => parts.filter(isOfUpdates);
  const others = (parts: readonly MemoryPart[]) => parts.filter((part) => !isOfUpdates(part));
  assert.deepEqual(others(offloaded), others(placed));
  const update = (more: Partial<ForeseenUpdate>) => ({
    what: "update",
    bytes: updateMemory({ weights: Number(LARGE.parameters), largest: 50_000 * 1024, ...more }),
    isOnGpu: true,
  });
  assert.deepEqual(updatesOf(placed), [
    { what: "moments", bytes: moments, isOnGpu: true },
    update({}),
    { what: "moments copied", bytes: moments },
  ]);
  assert.deepEqual(updatesOf(offloaded), [
    update({ offloadMoments: true }),
    { what: "moments", bytes: moments },
  ]);
  const two = updatesOf(await partsOf({ offloadMoments: true, processes: 2, microBatchPairs: 1 }));
  const ofBuckets = update({ offloadMoments: true, weights: 2 ** 21, largest: 2 ** 21 }); // half of 2²²
  assert.deepEqual(two, [
    { ...ofBuckets, bytes: 2 * ofBuckets.bytes },
    { what: "moments", bytes: moments },
  ]);
});

Deno.test("fused attention keeps no probabilities on a GPU: in 16 bits it is foreseen to take less memory", async () => {
  const model = { ...LARGE, heads: 16, keyValueHeads: 4, headDim: 64 };
  const inputs = { model: [model], tokens: [{ ...TOKENS, ...LONG }], reference: [{ files: 1 }] };
  const activations = async (
    stage: string,
    own: Record<string, unknown>,
    fusedAttention: boolean,
  ) => {
    const params = { ...own, device: "cuda:0", precision: "bfloat16", fusedAttention };
    const { memory } = await predict(stage, params, { inputs });
    return memory!.find(({ what }) => what === "activations")!.bytes;
  };
  // In blocks, plain attention keeps none either.
  const whole = { ...TRAIN, attentionBlock: 10_000 };
  for (const [stage, own] of [["train", whole], ["logps", { threads: 1 }]] as const) {
    const [plain, fused] = [
      await activations(stage, own, false),
      await activations(stage, own, true),
    ];
    assert(fused < plain, `${stage}: ${fused}, ${plain} without`);
  }
});

Deno.test("a GPU's speed is its own: by its type of products, none assumed of decoding", async () => {
  const inputs = { model: [LARGE], policy: [LARGE], tokens: [TOKENS], pairs: [TOKENS] };
  const of = async (stage: string, own: Record<string, unknown>, computing = {}) => {
    const { work } = await predict(stage, { ...own, ...computing }, { inputs });
    return [work!.on, work!.perSecond, work!.like];
  };
  const gpu = { device: "cuda:0" };
  assert.deepEqual(await of("train", TRAIN), [undefined, 80e9, "all weights"]);
  assert.deepEqual(await of("train", TRAIN, gpu), ["gpu", 67e12 / 4, "all weights in float32"]);
  const half = { ...gpu, precision: "float16", tf32: true };
  assert.deepEqual(await of("logps", { threads: 1 }, half), [
    ...["gpu", 989.4e12 / 4, "scoring in bfloat16"],
  ]);
  const rounded = { ...gpu, tf32: true };
  assert.deepEqual(await of("logps", { threads: 1 }, rounded), [
    ...["gpu", 494.7e12 / 4, "scoring in TF32"],
  ]);
  const writing = { threads: 1, maxNewTokens: 4, limit: 2, seed: 0 };
  assert.deepEqual(await of("generate", writing), [undefined, 80e9, "decoding"]);
  assert.deepEqual(await of("generate", writing, gpu), ["gpu", null, "decoding in float32"]);
});

Deno.test("several processes hand on gradients and weights; of two parts of a loss also each one's gradient", async () => {
  const inputs = { model: [MODEL], tokens: [TOKENS], reference: [{ files: 1 }] };
  const exchanged = async (params: Record<string, unknown>) =>
    (await predict("train", { ...TRAIN, ...params }, { inputs })).exchangedBytes;
  const bytes = 4 * Number(MODEL.parameters);
  assert.equal(await exchanged({}), undefined);
  assert.equal(await exchanged({ processes: 2 }), 10 * 2 * bytes);
  const rpo = { processes: 2, loss: "rpo", eta: 0.1, sft: "sum", gradientShareSteps: 5 };
  assert.equal(await exchanged(rpo), (10 * 2 + 2 * 2) * bytes);
});

Deno.test("each process of several divides logits by what its share of a batch makes", async () => {
  const tokens = { ...TOKENS, ...LONG };
  const amount = (params: Record<string, unknown>) => training(params, tokens, true, LARGE);
  const gpu = { device: "cuda:0", batchPairs: 8 };
  const whole = (await amount({ ...gpu, vocabularyChunk: 50_000 })).amount;
  assert((await amount(gpu)).amount > whole, "eight pairs make too many at once");
  assert.equal((await amount({ ...gpu, processes: 8 })).amount, whole, "one pair does not");
});

Deno.test("each of several processes has as many lanes as its share of a batch can use", async () => {
  const gradients = async (processes: number) => {
    const inputs = { model: [MODEL], tokens: [TOKENS], reference: [{ files: 1 }] };
    const params = { ...TRAIN, processes, threads: 4, batchPairs: 8, lora: { rank: 1 } };
    const { memory } = await predict("train", params, { inputs });
    return memory!.find(({ what }) => what === "gradients")!.bytes;
  };
  // Four lanes of two pairs each; in four processes two, of a pair each.
  assert.equal(await gradients(4), 2 * await gradients(1));
});

Deno.test("training twice the pairs is twice the work in the same memory", async () => {
  const once = await training({});
  const twice = await training({}, { ...TOKENS, pairs: 200 });
  assert(Math.abs(twice.amount / once.amount - 2) < 1e-12);
  assert.equal(twice.bytes, once.bytes);
  assert.equal(twice.work.startSeconds, once.work.startSeconds);
  const bySteps = await training({ epochs: undefined, steps: 20 });
  assert.equal(bySteps.amount, twice.amount);
});

Deno.test("an adapter is less work in less memory, and another kind of work", async () => {
  const all = await training({}, TOKENS, true, LARGE);
  const adapter = await training({ lora: { rank: 1 } }, TOKENS, true, LARGE);
  assert(adapter.amount < all.amount);
  assert(adapter.bytes < all.bytes);
  assert.deepEqual([all.work.like, adapter.work.like], ["all weights", "adapter"]);
  assert.deepEqual(adapter.outputs!.model, LARGE, "merged into a model of the same shape");
});

Deno.test("measuring both parts of a loss costs two more passes of the steps that do", async () => {
  const rpo = { loss: "rpo", eta: 0.1, sft: "sum" };
  const dpo = await training({ steps: 10, epochs: undefined });
  const every = await training({ ...rpo, steps: 10, epochs: undefined, gradientShareSteps: 1 });
  const seldom = await training({ ...rpo, steps: 10, epochs: undefined, gradientShareSteps: 10 });
  const pass = (every.amount - dpo.amount) / 20;
  assert(Math.abs(seldom.amount - dpo.amount - 2 * pass) < 1e-6 * pass);
});

Deno.test("a reference that is not wired, and replies that SFT does not read, are scored", async () => {
  assert((await training({}, TOKENS, false)).amount > (await training({})).amount);
  const sft = { loss: "sft", sft: "sum", beta: undefined };
  const demonstrations = { ...TOKENS, rejectedTokens: 0, rejectedCells: 0 };
  assert((await training(sft)).amount > (await training(sft, demonstrations)).amount);
  assert((await training(sft, demonstrations)).amount < (await training({})).amount);
});

Deno.test("replies that SFT does not read take memory where they are long", async () => {
  const sft = { loss: "sft", sft: "sum", beta: undefined };
  const of = async (tokens: Partial<typeof TOKENS>, params: Record<string, unknown> = {}) => {
    const inputs = { model: [LARGE], tokens: [{ ...TOKENS, ...tokens }], reference: [] };
    const { memory } = await predict(
      "train",
      { ...TRAIN, ...sft, batchPairs: 1, ...params },
      { inputs },
    );
    const bytes = (what: string) => memory!.find((part) => part.what === what)?.bytes ?? null;
    return { all: totalBytes(memory)!, added: bytes("activations of scoring") };
  };
  const none = { rejectedTokens: 0, rejectedCells: 0, longestRejected: 0 };
  const demonstrations = await of(none);
  assert.equal(demonstrations.added, null);
  const short = await of({});
  assert.equal(short.added, 0, "they take what training has freed");
  assert(short.all > demonstrations.all, "a session more");
  const lengths = { longestRejected: 900, longestSequence: 920, longestPair: 940 };
  const long = await of({ ...lengths, longestReplies: 910, longPairs: 100 });
  assert(long.added! > 0);
  assert(long.all > short.all);
  const gpu = await of({}, { device: "cuda:0" });
  assert(gpu.added! > 0, "each session keeps its own");
});

Deno.test("a reference that training scores first may be its peak, and is not beside it", async () => {
  const parts = async (params: Record<string, unknown>, reference: Sizes[] = []) => {
    const inputs = { model: [LARGE], tokens: [TOKENS], reference };
    return (await predict("train", { ...TRAIN, ...params }, { inputs })).memory!;
  };
  const wired = [{ files: 1 }];
  assert.deepEqual(await parts({}), await parts({}, wired), "the gradient's runs hold more");
  const small = { lora: { rank: 1 }, microBatchPairs: 1, threads: 8 };
  const [first, alone] = [await parts(small), await parts(small, wired)];
  assert(totalBytes(first)! > totalBytes(alone)!);
  const logps = await predict("logps", { threads: 8 }, {
    inputs: { model: [LARGE], tokens: [TOKENS] },
  });
  assert.deepEqual(first, logps.memory);
});

Deno.test("tokenSizesOf() of earlier versions' facts leaves nothing too low", () => {
  const {
    longestSequence: _s,
    longestPrompt: _p,
    longestChosen: _c,
    longestRejected: _r,
    ...some
  } = TOKENS;
  const { longPairs: _l, ...earlier } = { ...some, maxLength: 100, maxPromptLength: 50 };
  const found = tokenSizesOf(earlier)!;
  for (const name of Object.keys(TOKENS) as (keyof typeof TOKENS)[]) {
    assert(found[name] >= TOKENS[name], name);
  }
  // 120 tokens of a pair, 90 of its replies; a sequence is cut at 100.
  assert.deepEqual([found.longestSequence, found.longestPrompt], [100, 99]);
  assert.deepEqual([found.longestChosen, found.longestRejected, found.longPairs], [89, 89, 100]);
  const demonstrations = { ...earlier, rejectedTokens: 0, rejectedCells: 0 };
  const alone = tokenSizesOf(demonstrations)!;
  assert.deepEqual([alone.longestChosen, alone.longestRejected], [90, 0]);
  assert.deepEqual(tokenSizesOf(TOKENS), TOKENS);
  assert.equal(tokenSizesOf({ pairs: 4, longestPair: 9, longestReplies: 8 }), null);
});

Deno.test("rejectedAlone() are rejected replies in the chosen ones' place", () => {
  const alone = rejectedAlone(TOKENS);
  assert.deepEqual(meanReading(alone, "both"), meanReading(TOKENS, "rejected"));
  assert.deepEqual(longestTokens(alone, "both"), { prompt: 40, reply: 40 });
  assert.deepEqual([alone.longestPair, alone.longestReplies], [90, 40]);
});

Deno.test("computing layers again is more work in less memory", async () => {
  const plain = await training({}, TOKENS, true, LARGE);
  const again = await training({ gradientCheckpointing: true }, TOKENS, true, LARGE);
  assert(again.amount > plain.amount);
  assert(again.bytes < plain.bytes);
});

Deno.test("logits by chunks, as large vocabularies get them, are more work in less memory", async () => {
  const of = (params: Record<string, unknown>) =>
    training(params, { ...TOKENS, ...LONG }, true, LARGE);
  const [whole, chunked] = [await of({ vocabularyChunk: 50_000 }), await of({})];
  assert(chunked.amount > whole.amount && chunked.bytes < whole.bytes);
});

Deno.test("meanReading() counts a prompt once for both its replies", () => {
  assert.deepEqual(meanReading(TOKENS, "both"), { tokens: 60, replyTokens: 40, cells: 2200 });
  assert.deepEqual(meanReading(TOKENS, "chosen"), { tokens: 50, replyTokens: 30, cells: 1900 });
  assert.deepEqual(meanReading(TOKENS, "rejected"), { tokens: 30, replyTokens: 10, cells: 700 });
});

const ROOM = { tokens: 600, logitsPerToken: 2 ** 26 / 1000, pairs: 100, hiddenSize: 1000 };

Deno.test("largestRuns() are one full of mean pairs, and two that begin with the longest", () => {
  const mean = { prompt: 20, chosen: 30, rejected: 10 };
  const runs = (more: Partial<RunLimits>, sizes = TOKENS) =>
    largestRuns(sizes, "both", { ...ROOM, ...more });
  assert.deepEqual(runs({})[0], Array(10).fill(mean));
  const three = { prompt: 17, chosen: 25, rejected: 8 }; // 150 tokens, together
  assert.deepEqual(runs({ tokens: 150 })[0], Array(3).fill(three));
  assert.deepEqual(runs({ tokens: 30 }).map(([first, ...more]) => [first, more.length]), [
    [mean, 0],
    // 120 tokens, 90 of replies, 90 of a prompt and a reply; prompts have 40, replies 60 and 40.
    [{ prompt: 40, chosen: 50, rejected: 30 }, 0],
    [{ prompt: 30, chosen: 60, rejected: 30 }, 0],
  ], "a pair is not divided");
  assert.equal(runs({ logitsPerToken: 2 ** 26 / 80 })[0].length, 2);
  assert.equal(runs({ pairs: 4 })[0].length, 4);
  assert.equal(runs({}, { ...TOKENS, pairs: 2 })[0].length, 2, "all there are");
});

Deno.test("largestRuns() hold as many long pairs as there are, and fill up with mean ones", () => {
  const prompts = (sizes: Partial<typeof TOKENS>, limits: Partial<RunLimits> = {}) =>
    largestRuns({ ...TOKENS, ...sizes }, "both", { ...ROOM, ...limits })[1]
      .map(({ prompt }) => prompt);
  assert.deepEqual(prompts({}), [40, ...Array(6).fill(20)]);
  assert.deepEqual(prompts({ longPairs: 3 }), [40, 40, 40, 20, 20, 20, 20]);
  assert.deepEqual(prompts({ longPairs: 100 }), [40, 40, 40, 40, 40]);
  assert.deepEqual(prompts({ longPairs: 100 }, { pairs: 2 }), [40, 40]);
  // In a narrow model empty cells are the larger waste.
  assert.deepEqual(prompts({}, { hiddenSize: 40 }), [40, 20]);
});

Deno.test("largestRuns() hold no more than training puts into a run", () => {
  const short = Array.from({ length: 25 }, (): [number, number, number] => [20, 30, 30]);
  const batch = [[1000, 500, 500] as [number, number, number], ...short];
  const limits = { tokens: 4096, logitsPerToken: 2000, hiddenSize: 256, pairs: 26 };
  const sizes = batch.map(([prompt, ...replies]) => sizeOfLengths(prompt, replies));
  const made = divideIntoRuns(sizes, limits).map((rows) => rows.map((row) => batch[row]));
  const tokens = {
    ...TOKENS,
    ...{ pairs: 26, promptTokens: 1500 / 26, chosenTokens: 1250 / 26, rejectedTokens: 1250 / 26 },
    ...{ longestPair: 2000, longestReplies: 1000, longestSequence: 1500 },
    ...{ longestPrompt: 1000, longestChosen: 500, longestRejected: 500 },
  };
  const long = { prompt: 1000, chosen: 500, rejected: 500 };
  assert.deepEqual(made[0], [[1000, 500, 500]]);
  assert.deepEqual(largestRuns(tokens, "both", limits).slice(1), [[long], [long]]);
});

Deno.test("longest prompts and replies are those that are read, of whichever pair", () => {
  const tokens = { ...TOKENS, longestPrompt: 1900, longestChosen: 20, longestRejected: 900 };
  assert.deepEqual(longestTokens(tokens, "both"), { prompt: 1900, reply: 900 });
  assert.deepEqual(longestTokens(tokens, "chosen"), { prompt: 1900, reply: 20 });
});

Deno.test("SFT's runs have no rejected replies", () => {
  const runs = largestRuns(TOKENS, "chosen", { ...ROOM, tokens: 100 });
  assert.deepEqual(runs.map((run) => run.length), [2, 1, 1]);
  assert(runs.flat().every(({ rejected }) => rejected === null));
  // The rejected reply of the longest pair is not read.
  assert.deepEqual(runs[2], [{ prompt: 30, chosen: 60, rejected: null }]);
});

Deno.test("of what is done no memory is foreseen", async () => {
  const pairs = { tokens: [TOKENS], pairs: [TOKENS], outOfCoverage: [], reference: [] };
  const prompts = ["prompts", "trainPrompts", "validationPrompts", "testPrompts"];
  const models = { model: [MODEL], policy: [MODEL], snapshots: [{ ...MODEL, snapshots: 2 }] };
  const inputs = {
    ...{ ...pairs, ...models },
    ...Object.fromEntries(prompts.map((name) => [name, [{ prompts: 9 }]])),
  };
  const writing = { seed: 0, threads: 1, maxNewTokens: 16 };
  const paramsOf = {
    train: TRAIN,
    logps: { threads: 1 },
    evaluate: { ...writing, stream: "a" },
    curve: writing,
    collect: {
      ...{ ...writing, labelTemperature: 0 },
      train: { samplesPerPrompt: 2, pairsPerPrompt: 1 },
      heldOut: { prompts: 2, samplesPerPrompt: 2, pairsPerPrompt: 1, maxPairs: 2 },
    },
  };
  for (const [name, given] of Object.entries(paramsOf)) {
    const stage = stages.get(name)!;
    const about = { params: stage.params.parse(given), inputs, last: {} };
    assert.notEqual((await stage.predict!({ ...about, isDone: false })).memory, undefined, name);
    const done = await stage.predict!({ ...about, isDone: true });
    assert.equal(done.memory, undefined, name);
    assert.notEqual(done.work, undefined, name);
  }
});
