import assert from "node:assert/strict";
import type { Results } from "../../core/results.ts";
import { readPairs, writePairs, writePrompts } from "../../data/pairs_file.ts";
import { readTokens } from "../../data/store/read_tokens.ts";
import { tokenizePairs } from "../../data/tokenize_pairs.ts";
import { isCovered, replyKind } from "../../data/world/gold.ts";
import { saveTokenizerFiles } from "../../data/tokenizer/tokenizer_files.ts";
import { writeWorldTokenizer } from "../../data/world/tokenizer.ts";
import { drawDemonstrations, drawPrompts } from "../../data/world/world.ts";
import { VOCABULARY } from "../../data/world/vocabulary.ts";
import { readCurve } from "../../eval/curve.ts";
import { type Evaluation, readEvaluation } from "../../eval/evaluation.ts";
import { METRIC_NAMES } from "../../eval/metrics.ts";
import { readReplies } from "../../eval/reply_rows.ts";
import { mean } from "../../eval/stats/moments.ts";
import collect from "../../stages/collect.ts";
import compare from "../../stages/compare.ts";
import curve from "../../stages/curve.ts";
import evaluate from "../../stages/evaluate.ts";
import generate from "../../stages/generate.ts";
import measure from "../../stages/measure.ts";
import { modelFacts } from "../../stages/model_facts.ts";
import select from "../../stages/select.ts";
import { openScorer } from "../../train/logps.ts";
import { initializeModel, loadModel, saveModel } from "../../train/models/model.ts";
import { openRuntime } from "../../train/runtime/open_runtime.ts";
import { formatStepRecords } from "../../train/step_record.ts";
import { trainModel } from "../../train/trainer.ts";
import { runStage } from "./stage_context.ts";

const SHAPE = {
  family: "llama",
  vocabSize: VOCABULARY.length,
  hiddenSize: 32,
  intermediateSize: 64,
  layers: 1,
  heads: 2,
  keyValueHeads: 2,
  headDim: 16,
  normEpsilon: 1e-6,
  ropeTheta: 10000,
  tiedEmbeddings: false,
  maxPositions: 64,
  slidingWindow: null,
  initializerRange: 0.08,
  bosTokenId: VOCABULARY.indexOf("<bos>"),
  eosTokenIds: [VOCABULARY.indexOf("<eos>")],
  padTokenId: 0,
  generation: {},
} as const;
const ADAMW = { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0 };
const LENGTHS = { maxLength: 32, maxPromptLength: 16 };
const generation = { seed: 1, threads: 1, maxNewTokens: 16 };

/** Tokenizes a folder of pairs into a folder beside it. */
async function tokenize(root: string, pairs: string): Promise<void> {
  const folder = `${pairs}-tokens`;
  await Deno.mkdir(folder);
  await tokenizePairs({ pairs, tokenizer: `${root}/tokenizer`, folder, ...LENGTHS });
}

function training(lr: number, steps: number) {
  return {
    schedule: { name: "constant", peak: lr, steps, warmupSteps: 0, minimum: 0 },
    order: "sequential",
    seed: 1,
    maxGradNorm: 1,
    adamw: ADAMW,
    threads: 1,
  } as const;
}

/** A world with a reference model that has learnt what a reply looks like, and little else. */
async function makeReference(root: string): Promise<void> {
  await writeWorldTokenizer(`${root}/tokenizer`);
  for (const split of ["train", "validation", "test"] as const) {
    await Deno.mkdir(`${root}/${split}`);
    await writePrompts(`${root}/${split}`, drawPrompts(1, split, 24));
  }
  await Deno.mkdir(`${root}/demonstrations`);
  await writePairs(`${root}/demonstrations`, drawDemonstrations(1, 4000));
  await tokenize(root, `${root}/demonstrations`);
  const { model } = await trainModel({
    ...training(1e-2, 120),
    model: initializeModel(SHAPE, 1),
    pairs: await readTokens(`${root}/demonstrations-tokens`),
    loss: { loss: "sft", sft: "token_mean" },
    batchPairs: 32,
  });
  await saveModel(model, `${root}/reference`);
  await saveTokenizerFiles(`${root}/tokenizer`, `${root}/reference`);
}

/** A short DPO run with snapshots, and the reference's log-probs of the validation pairs. */
async function trainPolicy(root: string): Promise<void> {
  for (const pairs of ["train", "validation", "test", "outOfCoverage"]) {
    await tokenize(root, `${root}/collected/${pairs}`);
  }
  const reference = await loadModel(`${root}/reference`);
  const steps = [0, 10, 20];
  await Deno.mkdir(`${root}/snapshots`);
  const trained = await trainModel({
    ...training(1e-3, 20),
    model: reference,
    pairs: await readTokens(`${root}/collected/train-tokens`),
    loss: { loss: "dpo", beta: 0.1 },
    batchPairs: 8,
    snapshots: { folder: `${root}/snapshots`, steps },
  });
  await saveModel(trained.model, `${root}/policy`);
  await saveTokenizerFiles(`${root}/tokenizer`, `${root}/policy`);
  await Deno.mkdir(`${root}/steps`);
  await Deno.writeTextFile(`${root}/steps/steps.jsonl`, formatStepRecords(trained.steps));
  const scorer = await openScorer(reference, { threads: 1 });
  const pairs = await readTokens(`${root}/collected/validation-tokens`);
  const rows = (await scorer.scorePairs(pairs)).map((row) => `${JSON.stringify(row)}\n`);
  await scorer.release();
  await Deno.mkdir(`${root}/logps`);
  await Deno.writeTextFile(`${root}/logps/logps.jsonl`, rows.join(""));
}

async function runEvaluate(
  root: string,
  policy: string,
  how: Record<string, unknown> = {},
): Promise<Evaluation> {
  const { folders } = await runStage(evaluate, {
    params: { ...generation, ...how, stream: policy, examples: 2 },
    inputs: {
      policy: `${root}/${policy}`,
      reference: `${root}/reference`,
      prompts: `${root}/test`,
      pairs: `${root}/collected/test-tokens`,
      outOfCoverage: [{ path: `${root}/collected/outOfCoverage-tokens` }],
    },
    outputs: `${root}/evaluated-${policy}`,
  });
  return await readEvaluation(folders.evaluation);
}

Deno.test("the stages of evaluation, from collecting pairs to comparing systems", async (t) => {
  const root = await Deno.makeTempDir();
  try {
    await makeReference(root);

    await t.step("collect writes pairs that lie within the coverage", async () => {
      const { log } = await runStage(collect, {
        params: {
          ...generation,
          labelTemperature: 0.25,
          train: { samplesPerPrompt: 16, pairsPerPrompt: 4 },
          heldOut: { prompts: 20, samplesPerPrompt: 16, pairsPerPrompt: 2, maxPairs: 25 },
        },
        inputs: {
          model: `${root}/reference`,
          trainPrompts: `${root}/train`,
          validationPrompts: `${root}/validation`,
          testPrompts: `${root}/test`,
        },
        outputs: `${root}/collected`,
      });
      const [computed, ...told] = log;
      assert.match(computed, /^computed by onnxruntime-/);
      assert.match(told[0], /^train: \d+ pairs from 384 replies to 24 prompts; /);
      assert.match(
        told[1],
        /^validation: 25 pairs from 320 .* 0\.0% of labels the wrong way round$/,
      );
      for (const split of ["train", "validation", "test"]) {
        const rows = await Array.fromAsync(readPairs(`${root}/collected/${split}`));
        assert.ok(rows.length >= 20, `${split}: ${rows.length}`);
        for (const { prompt, chosen, rejected } of rows) {
          assert.ok(isCovered(replyKind(prompt as string, { text: chosen, ended: true })));
          assert.ok(isCovered(replyKind(prompt as string, { text: rejected!, ended: true })));
        }
      }
      const outside = await Array.fromAsync(readPairs(`${root}/collected/outOfCoverage`));
      assert.ok(outside.length > 0);
      for (const { prompt, rejected } of outside) {
        assert.equal(replyKind(prompt as string, { text: rejected!, ended: true }), "run-on");
      }
    });

    await trainPolicy(root);

    await t.step("curve gives a point a snapshot, its first the reference itself", async () => {
      const { folders } = await runStage(curve, {
        params: generation,
        inputs: {
          snapshots: `${root}/snapshots`,
          tokenizer: `${root}/tokenizer`,
          prompts: `${root}/validation`,
          pairs: `${root}/collected/validation-tokens`,
          reference: `${root}/logps`,
          over: `${root}/reference`,
        },
        outputs: `${root}/traced`,
      });
      const { points } = await readCurve(folders.curve);
      assert.deepEqual(points.map(({ step }) => step), [0, 10, 20]);
      assert.deepEqual([points[0].values.accuracy, points[0].values.margin], [50, 0]);
      assert.ok(points[2].values.margin! !== 0);
      assert.equal(points[0].values.kl, 0);
      assert.ok(points[2].values.kl! > 0 && points[2].values.winRate! >= 0);
    });

    await t.step("select writes the snapshot that validation prefers", async () => {
      const { folders, log } = await runStage(select, {
        params: { metric: "runOn" },
        inputs: {
          snapshots: `${root}/snapshots`,
          curve: `${root}/traced/curve`,
          tokenizer: `${root}/tokenizer`,
        },
        outputs: `${root}/selected`,
      });
      const { points } = await readCurve(`${root}/traced/curve`);
      const least = Math.min(...points.map(({ values }) => values.runOn!));
      const { step } = points.find(({ values }) => values.runOn === least)!;
      assert.equal(log[0], `step ${step}: validation runOn ${least.toFixed(3)}`);
      const name = `step-${String(step).padStart(6, "0")}`;
      assert.deepEqual(
        await loadModel(folders.model),
        await loadModel(`${root}/snapshots/${name}`),
      );
      assert.ok((await Deno.stat(`${folders.model}/tokenizer.json`)).isFile);
    });

    await t.step("evaluate gives the reference no distance from itself", async () => {
      const { metrics, examples } = await runEvaluate(root, "reference");
      const ofReplies = METRIC_NAMES.filter((name) => name !== "ended");
      assert.deepEqual(Object.keys(metrics).sort(), ofReplies.sort());
      assert.ok(metrics.kl!.values.every((value) => value === 0));
      assert.ok(metrics.accuracy!.values.every((value) => value === 50));
      assert.equal(examples.length, 2);
    });

    await t.step("evaluate gives a trained policy one, and the same bytes twice", async () => {
      const first = await runEvaluate(root, "policy");
      assert.deepEqual(await runEvaluate(root, "policy"), first);
      assert.ok(mean(first.metrics.kl!.values) > 0);
    });

    await t.step(
      "evaluate computes in bfloat16 where it is asked to, by scorer and decoder",
      async () => {
        const precision = "bfloat16";
        const { metrics } = await runEvaluate(root, "reference", { precision });
        assert.ok(metrics.kl!.values.every((value) => value === 0));
        const half = await runEvaluate(root, "policy", { precision });
        const whole = await runEvaluate(root, "policy");
        const margins = [half, whole].map(({ metrics }) => mean(metrics.margin!.values));
        assert.notEqual(margins[0], margins[1]);
        assert.ok(Math.abs(margins[0] - margins[1]) < 0.1 * Math.abs(margins[1]), `${margins}`);
      },
    );

    await t.step("evaluate refuses a device that is not there", async () => {
      await assert.rejects(
        runEvaluate(root, "reference", { device: "cuda:99" }),
        /cuda:99 was asked for but cannot be used/,
      );
    });

    await t.step("measure agrees with evaluate on the same pairs", async () => {
      const { folders } = await runStage(measure, {
        params: { threads: 1 },
        inputs: {
          policy: `${root}/policy`,
          pairs: `${root}/collected/validation-tokens`,
          reference: `${root}/logps`,
        },
        outputs: `${root}/measured`,
      });
      const { metrics } = await readEvaluation(folders.evaluation);
      const { points } = await readCurve(`${root}/traced/curve`);
      assert.equal(mean(metrics.margin!.values), points[2].values.margin);
    });

    await t.step("generate replies to each prompt once; measure and compare show it", async () => {
      const replied = await runStage(generate, {
        params: { threads: 1, limit: 5, maxNewTokens: 6 },
        inputs: { policy: `${root}/policy`, pairs: `${root}/collected/test` },
        outputs: `${root}/replied`,
      });
      const rows = await readReplies(replied.folders.replies);
      const prompts = rows.map(({ prompt }) => prompt[0].content);
      assert.deepEqual([rows.length, new Set(prompts).size], [5, 5]);
      const cut = rows.filter(({ stop }) => stop === "length");
      assert.ok(cut.every(({ tokens }) => tokens === 6));
      const { folders } = await runStage(measure, {
        params: { threads: 1, examples: 2 },
        inputs: {
          policy: `${root}/policy`,
          pairs: `${root}/collected/validation-tokens`,
          reference: `${root}/logps`,
          replies: replied.folders.replies,
        },
        outputs: `${root}/measured-replies`,
      });
      const { metrics, examples } = await readEvaluation(folders.evaluation);
      assert.deepEqual(metrics.length!.values, rows.map(({ tokens }) => tokens));
      assert.equal(mean(metrics.ended!.values), 100 * (5 - cut.length) / 5);
      assert.equal(metrics.margin!.over, "pairs");
      assert.deepEqual(examples.map(({ text, reference }) => [text, reference]), [
        [rows[0].text, rows[0].chosen],
        [rows[1].text, rows[1].chosen],
      ]);
      const compared = await runStage(compare, {
        params: {
          systems: [{ id: "dpo", label: "DPO", from: "measure/dpo" }],
          baselines: [],
          compareOn: ["ended", "accuracy"],
        },
        inputs: { evaluations: [{ path: folders.evaluation, from: "measure/dpo@seed=1" }] },
        outputs: `${root}/compared-replies`,
      });
      const text = await Deno.readTextFile(`${compared.folders.results}/results.json`);
      const [{ prompt, replies }] = (JSON.parse(text) as Results).examples;
      assert.equal(prompt, prompts[0]);
      assert.deepEqual(replies, [
        { system: "dpo", text: rows[0].text, score: null },
        { system: "Chosen in the data", text: rows[0].chosen, score: null },
      ]);
    });

    await t.step("compare writes results of both systems", async () => {
      const axes = { method: "dpo", seed: 1 };
      const { folders } = await runStage(compare, {
        params: {
          systems: [
            { id: "ref", label: "Reference", from: "evaluate-reference" },
            { id: "dpo", label: "DPO", from: "evaluate/dpo" },
          ],
          baselines: ["ref"],
          compareOn: ["gold"],
        },
        inputs: {
          evaluations: [
            {
              path: `${root}/evaluated-reference/evaluation`,
              from: "evaluate-reference@seed=1",
              axes: { seed: 1 },
            },
            {
              path: `${root}/evaluated-policy/evaluation`,
              from: "evaluate/dpo@seed=1",
              axes,
            },
          ],
          curves: [{ path: `${root}/traced/curve`, from: "curve/dpo@seed=1", axes }],
          steps: [{ path: `${root}/steps`, from: "train/dpo@seed=1", axes }],
        },
        outputs: `${root}/compared`,
      });
      const text = await Deno.readTextFile(`${folders.results}/results.json`);
      const { systems, comparisons, curves, notes } = JSON.parse(text) as Results;
      assert.deepEqual(systems.map(({ id }) => id), ["ref", "dpo"]);
      assert.equal(comparisons[0].difference.n, 24);
      assert.deepEqual(curves[0].points.map(({ step }) => step), [0, 10, 20]);
      assert.ok("trainChosenLogp" in curves[0].points[2].values);
      assert.match(notes.at(-1)!, /^One seed/);
    });
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("modelFacts() names the version of onnxruntime that runs", async () => {
  assert.equal(modelFacts().onnxruntime, (await openRuntime({ threads: 1 })).version);
});

Deno.test("compare's parameters name every unknown system at once", () => {
  const { success, error } = compare.params.safeParse({
    systems: [
      { id: "ref", label: "Reference", from: "evaluate-reference" },
      { id: "ref", label: "Again", from: "evaluate" },
    ],
    baselines: ["reff"],
    compareOn: ["gold"],
  });
  assert.equal(success, false);
  assert.deepEqual(error!.issues.map(({ path, message }) => `${path.join(".")}: ${message}`), [
    "systems.1.id: ref comes twice.",
    "baselines.0: Expected one of ref but found reff.",
  ]);
});
