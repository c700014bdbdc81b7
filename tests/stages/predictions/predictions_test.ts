import assert from "node:assert/strict";
import type { Sizes } from "../../../pipeline/prediction.ts";
import { modelSizes } from "../../../train/costs/model_sizes.ts";
import { SMALL } from "../../train/costs/small_shape.ts";
import { writeBenchmarks } from "../../eval/judge/own_benchmarks.ts";
import { temporaryFolder } from "../run_stage.ts";
import { MODEL, predict, TOKENS, TRAIN, training } from "./predict_stage.ts";

Deno.test("nothing is foreseen of work and memory where sizes are not known", async () => {
  const inputs = { model: [MODEL], tokens: [null], reference: [] };
  assert.deepEqual(await predict("train", TRAIN, { inputs }), { outputs: { model: MODEL } });
  assert.deepEqual(await predict("logps", { threads: 1 }, { inputs }), {});
});

Deno.test("scoring is a third of training, but for the update", async () => {
  const inputs = { model: [MODEL], tokens: [TOKENS] };
  const { work } = await predict("logps", { threads: 1 }, { inputs });
  const { amount } = await training({ batchPairs: 100 });
  assert(work!.amount < amount / 3 && work!.amount > amount / 4, `${work!.amount} of ${amount}`);
});

Deno.test("read-pairs gives as many pairs as its limits, else as last time", async () => {
  const last = { train: { pairs: 70, promptCharacters: 9 }, test: { pairs: 30 } };
  const params = { path: "data", limit: 40 };
  assert.deepEqual((await predict("read-pairs", params, { last })).outputs, {
    train: { pairs: 40, promptCharacters: 9 },
    test: { pairs: 30 },
  });
  assert.deepEqual((await predict("read-pairs", params)).outputs, { train: { pairs: 40 } });
});

Deno.test("tokenize keeps the lengths of last time while it cuts alike, else guesses and says so", async () => {
  const cut = { maxLength: 512, maxPromptLength: 256 };
  const last = { tokens: { ...TOKENS, ...cut } };
  const inputs = { pairs: [{ pairs: 1000 }], tokenizer: [null] };
  const kept = await predict("tokenize", cut, { inputs, last });
  assert.deepEqual(kept.outputs!.tokens, { ...TOKENS, ...cut, pairs: 1000 });
  assert.deepEqual(kept.assumes, []);
  const wider = await predict("tokenize", { ...cut, maxLength: 1024 }, { inputs, last });
  assert.notEqual(wider.outputs!.tokens.chosenTokens, 30);
  assert.match(wider.assumes![0], /tokens assumed \(UltraFeedback's lengths\)/);
  const texts = { pairs: 10, promptCharacters: 44, chosenCharacters: 88 };
  const read = await predict("tokenize", cut, { inputs: { ...inputs, pairs: [texts] } });
  assert.equal(Math.round(Number(read.outputs!.tokens.promptTokens)), 16, "44 / 4.4, and template");
  assert.equal(read.outputs!.tokens.rejectedTokens, 0);
  assert.match(read.assumes![0], /16, 26, 0 tokens assumed \(4\.4 characters a token\)/);
});

Deno.test("generate writes replies up to its limit, each as long as it may be", async () => {
  const inputs = { policy: [MODEL], pairs: [{ pairs: 100, promptCharacters: 44 }] };
  const work = async (rest: Record<string, unknown>) => {
    const params = { maxNewTokens: 16, threads: 1, ...rest };
    return (await predict("generate", params, { inputs })).work!.amount;
  };
  assert(Math.abs(await work({ limit: 10 }) / await work({}) - 0.1) < 1e-12);
  const [short, middle, long] = await Promise.all(
    [16, 32, 48].map((maxNewTokens) => work({ maxNewTokens })),
  );
  assert(middle > short);
  assert(Math.abs((long - middle) / (middle - short) - 1) < 1e-9, "the prompt costs the same");
});

Deno.test("generate on a GPU holds weights and cache in its precision, and nothing laid out", async () => {
  const inputs = { policy: [MODEL], pairs: [{ pairs: 100, promptCharacters: 44 }] };
  const partsOf = async (more: Record<string, unknown>) => {
    const { memory } = await predict("generate", { maxNewTokens: 16, threads: 1, ...more }, {
      inputs,
    });
    return Object.fromEntries(memory!.map(({ what, bytes }) => [what, bytes]));
  };
  const host = await partsOf({});
  const gpu = await partsOf({ device: "cuda:0" });
  const half = await partsOf({ device: "cuda:0", precision: "bfloat16" });
  assert.deepEqual(Object.keys(gpu), [
    ...["weights", "cache", "activations", "the device's own"],
    ...["model as read", "process"], // of the host
  ]);
  for (const what of ["weights", "cache"]) {
    assert.equal(gpu[what], host[what]);
    assert.equal(half[what], gpu[what] / 2);
  }
  assert(gpu.activations > host.logits / 2 && half.activations < gpu.activations);
});

Deno.test("generate takes as long for a benchmark's prompts as for those of pairs", async () => {
  const amount = async (inputs: Record<string, readonly (Sizes | null)[]>) => {
    const params = { maxNewTokens: 16, threads: 1, ...(inputs.benchmark && { system: "ours" }) };
    return (await predict("generate", params, { inputs: { policy: [MODEL], ...inputs } })).work
      ?.amount;
  };
  const sizes = { promptCharacters: 44, chosenCharacters: 90 };
  const pairs = await amount({ pairs: [{ pairs: 160, ...sizes }], benchmark: [] });
  assert.equal(
    await amount({ pairs: [], benchmark: [{ prompts: 160, promptCharacters: 44 }] }),
    pairs,
  );
  assert.equal(await amount({ pairs: [], benchmark: [null] }), undefined, "nothing is known");
});

Deno.test("a benchmark's prompts are counted in its files, where they can be read", async () => {
  const path = await temporaryFolder();
  await writeBenchmarks(path);
  const foreseen = (questions: string) =>
    predict("read-benchmark", {
      ...{ benchmark: "mt-bench", path, questions },
      ...{ references: "reference_answer_gpt-4.jsonl", template: "judge_prompts.jsonl" },
    });
  const { outputs } = await foreseen("question.jsonl");
  const { prompts, promptCharacters, questions } = outputs!.benchmark;
  assert.deepEqual([questions, prompts, promptCharacters], [2, 4, 11]);
  assert.deepEqual(await foreseen("questions.jsonl"), {});
});

Deno.test("generate foresees texts and how replies are chosen; of drawn ones measure takes the KL", async () => {
  const pairs = { pairs: 100, promptCharacters: 44, chosenCharacters: 88 };
  const replies = async (rest: Record<string, unknown>) => {
    const params = { maxNewTokens: 16, threads: 1, limit: 10, ...rest };
    const inputs = { policy: [null], pairs: [pairs] };
    return (await predict("generate", params, { inputs })).outputs!.replies;
  };
  const greedy = await replies({});
  assert.deepEqual(
    [greedy.replies, greedy.replyTokens, greedy.promptBytes, greedy.chosenBytes, greedy.decoding],
    [10, 16, 44, 88, "greedy"],
  );
  const amount = async (given: readonly Sizes[], referenceModel = [MODEL]) => {
    const inputs = { policy: [MODEL], pairs: [TOKENS], replies: given, referenceModel };
    return (await predict("measure", { threads: 1 }, { inputs })).work!.amount;
  };
  const drawn = await replies({ temperature: 1 });
  const without = await amount([greedy]);
  assert.equal(await amount([]), without);
  assert.equal(await amount([await replies({ temperature: 0.7 })]), without);
  assert.equal(await amount([drawn], []), without);
  const more = await amount([drawn]) - without;
  const twice = await amount([await replies({ temperature: 1, limit: 20 })]) - without;
  assert(more > 0 && Math.abs(twice / more - 2) < 1e-9);
});

Deno.test("a base model has the shape that the recipe expects, else that of last time", async () => {
  const expects = { ...SMALL, parameters: 340 };
  const hub = { model: "o/m", revision: "main" };
  const foreseen = await predict("base-model", { hub, expects });
  assert.deepEqual(foreseen.outputs, { model: modelSizes(SMALL), tokenizer: { vocabSize: 10 } });
  assert.equal(foreseen.work!.unit, "downloaded bytes");
  const last = { model: MODEL, tokenizer: { vocabSize: 1000 } };
  const again = await predict("base-model", { path: "m.gguf" }, { last });
  assert.deepEqual(again.outputs, last);
  const table = Number(MODEL.vocabSize) * Number(MODEL.hiddenSize);
  assert.equal(again.memory![0].bytes, 4 * table, "one weight at a time is made float32");
  assert.deepEqual(await predict("base-model", { path: "m" }), {});
});

Deno.test("initialize has the shape of its parameters and the tokenizer's vocabulary", async () => {
  const params = {
    hiddenSize: 4,
    intermediateSize: 6,
    layers: 2,
    heads: 2,
    keyValueHeads: 1,
    tiedEmbeddings: false,
    seed: 0,
  };
  const { outputs } = await predict("initialize", params, {
    inputs: { tokenizer: [{ vocabSize: 10 }] },
  });
  assert.deepEqual(outputs!.model, modelSizes(SMALL));
});

Deno.test("judge-answers foresees calls and dollars from the sizes of what is wired, within its limit", async () => {
  const prices = { input: 30, output: 60 };
  const replies = { replies: 160, replyBytes: 300 };
  const sizes = {
    questions: 80,
    prompts: 160,
    pairBytes: 1000,
    gradeBytes: 700,
    answersShown: 1.5,
  };
  const foreseen = async (
    params: Record<string, unknown>,
    { benchmark = [sizes], ...inputs }: Record<string, (Sizes | null)[]> = {},
  ) =>
    (await predict(
      "judge-answers",
      { maxTokens: 100, coverage: 1, model: "j", prices, ...params },
      {
        inputs: { answers: [replies], baseline: [], benchmark, ...inputs },
      },
    )).calls;
  const dollars = (calls: number, bytes: number) =>
    (calls * bytes / 3 * prices.input + calls * 100 * prices.output) / 1e6;

  const grade = { benchmark: "mt-bench-single" };
  assert.deepEqual(await foreseen(grade), { count: 160, dollars: dollars(160, 700 + 1.5 * 300) });
  const limited = { ...grade, limit: 8, seeds: [0, 1] };
  assert.deepEqual(await foreseen(limited), { count: 32, dollars: dollars(32, 700 + 1.5 * 300) });
  const duel = { benchmark: "mt-bench-pair", limit: 8 };
  const baseline = [{ replies: 160, replyBytes: 500 }];
  assert.deepEqual(await foreseen(duel, { baseline }), {
    count: 32,
    dollars: dollars(32, 1000 + 1.5 * 800),
  });
  const alpaca = {
    questions: 805,
    prompts: 805,
    pairBytes: 400,
    answersShown: 1,
    baselineBytes: 2000,
  };
  assert.deepEqual(
    await foreseen({ benchmark: "alpaca-eval", limit: 10 }, { benchmark: [alpaca] }),
    {
      count: 10,
      dollars: dollars(10, 400 + 300 + 2000),
      // Outputs that turn out to equal the baseline's are not asked about.
      isAtMost: true,
    },
  );
  // Nobody has read the answers yet; there are no prices; nothing is known at all.
  assert.deepEqual(await foreseen(grade, { answers: [null] }), { count: 160, dollars: null });
  assert.deepEqual(await foreseen({ ...grade, prices: undefined }), { count: 160, dollars: null });
  assert.deepEqual(await foreseen(grade, { answers: [null], benchmark: [null] }), {
    count: null,
    dollars: null,
  });
  // Without the benchmark's sizes a question of MT-Bench has two turns.
  assert.deepEqual(await foreseen({ ...grade, limit: 8 }, { benchmark: [null] }), {
    count: 16,
    dollars: null,
  });
  const unread = { answers: [null], benchmark: [null] };
  assert.deepEqual(await foreseen({ ...grade, limit: 8 }, unread), {
    ...{ count: 16, dollars: null, isAtMost: true },
  });
});

Deno.test("generate's limit is one of a benchmark's questions, each of several turns", async () => {
  const benchmark = [{ questions: 80, prompts: 160, promptCharacters: 60 }];
  const params = { maxNewTokens: 8, threads: 1, limit: 5, system: "ours" };
  const { outputs } = await predict("generate", params, {
    inputs: { policy: [null], pairs: [], benchmark },
  });
  assert.equal(outputs!.replies.replies, 10);
});
