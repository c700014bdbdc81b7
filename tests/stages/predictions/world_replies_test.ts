import assert from "node:assert/strict";
import type { Sizes } from "../../../pipeline/prediction.ts";
import { planOf } from "../recipe_instances.ts";
import { MODEL, predict, TOKENS } from "./predict_stage.ts";

const COLLECT = {
  ...{ seed: 0, threads: 1, maxNewTokens: 16, labelTemperature: 0 },
  train: { samplesPerPrompt: 4, pairsPerPrompt: 2 },
  heldOut: { prompts: 10, samplesPerPrompt: 3, pairsPerPrompt: 1, maxPairs: 20 },
};
const MEASURE = { seed: 0, threads: 1, maxNewTokens: 16 };
const NO_PAIRS = { ...TOKENS, pairs: 0 };

async function collecting(
  params: Record<string, unknown> = {},
  [train, validation, test]: readonly (number | null)[] = [100, 50, 50],
) {
  const split = (prompts: number | null) => [prompts === null ? null : { prompts }];
  const { work } = await predict("collect", { ...COLLECT, ...params }, {
    inputs: {
      model: [MODEL],
      trainPrompts: split(train),
      validationPrompts: split(validation),
      testPrompts: split(test),
    },
  });
  return work;
}

async function evaluating(
  prompts: number,
  { pairs = TOKENS, outOfCoverage = [] }: {
    readonly pairs?: Sizes | null;
    readonly outOfCoverage?: readonly (Sizes | null)[];
  } = {},
) {
  const models = { policy: [MODEL], reference: [MODEL] };
  const inputs = { ...models, prompts: [{ prompts }], pairs: [pairs], outOfCoverage };
  return (await predict("evaluate", { ...MEASURE, stream: "dpo" }, { inputs })).work;
}

async function following(
  snapshots: number | undefined,
  prompts: number,
  { pairs = TOKENS, over = [] }: { pairs?: Sizes; over?: readonly Sizes[] } = {},
) {
  const sizes = { ...MODEL, ...(snapshots !== undefined && { snapshots }) };
  const others = { tokenizer: [null], reference: [null], over };
  const inputs = { ...others, snapshots: [sizes], prompts: [{ prompts }], pairs: [pairs] };
  return (await predict("curve", MEASURE, { inputs })).work;
}

/** What a reply of the world takes to write. */
async function replyAmount(): Promise<number> {
  return (await collecting({}, [100, 0, 0]))!.amount / 400;
}

function near(a: number, b: number, why?: string): void {
  assert(Math.abs(a / b - 1) < 1e-9, `${a} and ${b}: ${why}`);
}

Deno.test("collect writes every sample of every prompt, of held-out ones as many as it takes", async () => {
  const reply = await replyAmount();
  near((await collecting())!.amount / reply, 100 * 4 + 2 * 10 * 3);
  near((await collecting({}, [100, 7, 50]))!.amount / reply, 100 * 4 + (7 + 10) * 3, "7 there are");
  assert.equal(await collecting({}, [null, 50, 50]), undefined);
  near((await collecting({ maxNewTokens: 64 }))!.amount, (await collecting())!.amount, "they end");
  assert((await collecting({ maxNewTokens: 2 }))!.amount < (await collecting())!.amount);
});

Deno.test("evaluate has both models score all pairs, and each prompt replied to twice", async () => {
  const scoring = await predict("logps", { threads: 1 }, {
    inputs: { model: [MODEL], tokens: [TOKENS] },
  });
  const pairs = scoring.work!.amount;
  near((await evaluating(0))!.amount, 2 * pairs);
  near((await evaluating(0, { outOfCoverage: [TOKENS] }))!.amount, 4 * pairs);
  const prompts = (await evaluating(10, { pairs: NO_PAIRS }))!.amount;
  assert(prompts > 10 * 2 * await replyAmount(), "the sampled reply is scored too");
  near((await evaluating(10))!.amount, prompts + 2 * pairs);
  assert.equal(await evaluating(10, { pairs: null }), undefined);
  assert.equal(await evaluating(10, { outOfCoverage: [null] }), undefined);
});

Deno.test("curve is that of each snapshot; the reference writes once and scores with every one", async () => {
  const reply = await replyAmount();
  near((await following(3, 10, { pairs: NO_PAIRS }))!.amount, 3 * 10 * 2 * reply);
  const pairs = (await evaluating(0))!.amount / 2; // of which both models score all
  near((await following(3, 0))!.amount, 3 * pairs);
  const evaluation = (await evaluating(10, { pairs: NO_PAIRS }))!.amount;
  near(
    (await following(3, 10, { pairs: NO_PAIRS, over: [MODEL] }))!.amount,
    3 * evaluation + 10 * reply,
  );
  assert.equal(await following(undefined, 10), undefined, "nobody knows how many");
});

Deno.test("each model that is opened takes its time to load", async () => {
  const [one, three] = [(await following(1, 10))!, (await following(3, 10))!];
  const over = (await following(1, 10, { over: [MODEL] }))!;
  const load = over.startSeconds - one.startSeconds;
  assert(load > 0);
  near(three.startSeconds, one.startSeconds + 2 * load);
  near((await evaluating(10))!.startSeconds, over.startSeconds);
});

Deno.test("what a GPU writes has no speed until one was measured", async () => {
  const work = await collecting({ device: "cuda:0" });
  assert.deepEqual([work!.on, work!.perSecond], ["gpu", null]);
  assert((await collecting())!.perSecond! > 0);
});

Deno.test("evaluate and curve hold what scoring holds beside what they write with; collect scores nothing", async () => {
  const parts = async (
    stage: "evaluate" | "curve",
    { pairs = TOKENS as Sizes | null, over = [] as Sizes[], device = "cpu", prompts = 10 } = {},
  ) => {
    const inputs = {
      ...{ policy: [MODEL], reference: [MODEL], prompts: [{ prompts }], pairs: [pairs] },
      ...{ snapshots: [{ ...MODEL, snapshots: 3 }], tokenizer: [null], over, outOfCoverage: [] },
    };
    const params = { ...MEASURE, device, ...(stage === "evaluate" && { stream: "a" }) };
    const { memory } = await predict(stage, params, { inputs });
    return Object.fromEntries(memory!.map((part) => [part.what, part]));
  };
  const runs = "activations of scoring";
  const sessions = "sessions of scoring";
  const one = await parts("curve");
  const two = await parts("evaluate");
  assert(one[runs].bytes > 0);
  assert.equal(two[runs].bytes, one[runs].bytes, "one model after the other");
  assert.equal(two[sessions].bytes, 2 * one[sessions].bytes);
  assert.equal((await parts("curve", { over: [MODEL] }))[sessions].bytes, two[sessions].bytes);
  assert.equal((await parts("curve", { pairs: null }))[runs], undefined);
  const gpu = await parts("evaluate", { device: "cuda:0" });
  assert.equal(gpu[runs].bytes, 2 * (await parts("curve", { device: "cuda:0" }))[runs].bytes);
  assert(gpu[runs].isOnGpu);
  const cache = async (prompts: number) => (await parts("curve", { prompts })).cache.bytes;
  assert.equal(await cache(20), 2 * await cache(10));
  assert.equal(await cache(2000), await cache(1000), "no more at once");
  const inputs = {
    ...{ model: [MODEL], trainPrompts: [{ prompts: 9 }] },
    ...{ validationPrompts: [null], testPrompts: [null] },
  };
  const { memory } = await predict("collect", COLLECT, { inputs });
  assert(memory!.every(({ what }) => what !== runs));
});

Deno.test("a first plan of tiny foresees the work of every stage that runs a model", async () => {
  const planned = await planOf("tiny", ["matrix.seed=[0]"]);
  const running = planned.filter(({ instance: { stage, params } }) =>
    stage.resources(params).native?.includes("onnxruntime")
  );
  assert.equal(running.length, 18);
  for (const { instance, forecast } of running) {
    assert.match(forecast.basis, /operations\/s, assumed for 1 core$/, instance.id);
  }
});
