import assert from "node:assert/strict";
import { writePairs } from "../../data/pairs_file.ts";
import { writeWorldTokenizer } from "../../data/world/tokenizer.ts";
import { VOCABULARY } from "../../data/world/vocabulary.ts";
import initialize from "../../stages/initialize.ts";
import logps from "../../stages/logps.ts";
import tokenize from "../../stages/tokenize.ts";
import { schemaProblems } from "../../pipeline/schema_problems.ts";
import train from "../../stages/train.ts";
import { readLogps, writeLogps } from "../../train/logps_file.ts";
import { loadModel } from "../../train/models/model.ts";
import { parseStepRecords } from "../../train/step_record.ts";
import { runStage } from "../eval/stage_context.ts";

const SHAPE = {
  hiddenSize: 8,
  intermediateSize: 12,
  layers: 1,
  heads: 2,
  tiedEmbeddings: true,
  seed: 1,
};

const RPO = {
  loss: "rpo",
  beta: 0.1,
  eta: 0.2,
  sft: "sum",
  learningRate: 0.01,
  schedule: "constant",
  epochs: 2,
  batchPairs: 2,
  seed: 1,
  threads: 1,
  snapshots: { every: 2 },
};

/** Words of the world that are no special tokens. */
function words(count: number, from: number): string {
  const ordinary = VOCABULARY.filter((word) => !word.startsWith("<"));
  return Array.from({ length: count }, (_, i) => ordinary[(from + i) % ordinary.length]).join(" ");
}

/** A tokenizer, five tokenized pairs and an initial model, made by the stages themselves. */
async function prepare(folder: string): Promise<{ tokens: string; model: string }> {
  for (const name of ["tokenizer", "pairs"]) await Deno.mkdir(`${folder}/${name}`);
  await writeWorldTokenizer(`${folder}/tokenizer`);
  await writePairs(
    `${folder}/pairs`,
    Array.from({ length: 5 }, (_, i) => ({
      id: `pair:${i}`,
      prompt: words(3, i),
      chosen: words(2 + i, 7 * i),
      rejected: words(3, 11 * i + 1),
    })),
  );
  const tokenizer = `${folder}/tokenizer`;
  const { folders: { tokens } } = await runStage(tokenize, {
    params: { maxLength: 24, maxPromptLength: 8 },
    inputs: { pairs: `${folder}/pairs`, tokenizer },
    outputs: `${folder}/tokenize`,
  });
  const { folders: { model } } = await runStage(initialize, {
    params: SHAPE,
    inputs: { tokenizer },
    outputs: `${folder}/initialize`,
  });
  return { tokens, model };
}

Deno.test("stages initialize, logps and train make artifacts that the next stage reads", async () => {
  const folder = await Deno.makeTempDir();
  const { tokens, model } = await prepare(folder);
  const initial = await loadModel(model);
  assert.equal(initial.config.vocabSize, VOCABULARY.length);
  assert.equal(VOCABULARY[initial.config.eosTokenIds[0]], "<eos>");

  const scored = await runStage(logps, {
    params: { threads: 1 },
    inputs: { model, tokens },
    outputs: `${folder}/logps`,
  });
  const scores = await readLogps(scored.folders.logps);
  assert.deepEqual(scores.map(({ id }) => id), [0, 1, 2, 3, 4].map((i) => `pair:${i}`));

  assert.match(scored.log.join(), /^computed by onnxruntime-(ffi|node)$/);

  const inputs = { model, tokens, reference: scored.folders.logps };
  const trained = await runStage(train, { params: RPO, inputs, outputs: `${folder}/train` });
  const [planned, computed] = trained.log;
  assert.equal(planned, "5 steps of 2 pairs out of 5");
  assert.match(computed, /^computed by onnxruntime-(ffi|node)$/);
  const steps = parseStepRecords(await Deno.readTextFile(`${trained.folders.steps}/steps.jsonl`));
  assert.equal(steps.length, 5);
  assert(Math.abs(steps[0].dpoLoss - Math.LN2) < 1e-6);

  // Each chosen reply one point likelier under the reference: β · 1 less for every margin.
  await Deno.mkdir(`${folder}/moved`);
  const moved = scores.map((row) => ({ ...row, chosenLogp: row.chosenLogp + 1 }));
  await writeLogps(`${folder}/moved`, moved);
  const other = await runStage(train, {
    params: RPO,
    inputs: { ...inputs, reference: `${folder}/moved` },
    outputs: `${folder}/other`,
  });
  const text = await Deno.readTextFile(`${other.folders.steps}/steps.jsonl`);
  const [{ dpoLoss }] = parseStepRecords(text);
  assert(Math.abs(dpoLoss - Math.log(1 + Math.exp(RPO.beta))) < 1e-6, `${dpoLoss}`);

  const policy = await loadModel(trained.folders.model);
  assert.notDeepEqual(policy.weights, initial.weights);
  assert((await Deno.stat(`${trained.folders.model}/tokenizer.json`)).isFile);
  const { snapshots } = trained.folders;
  const index = JSON.parse(await Deno.readTextFile(`${snapshots}/index.json`));
  assert.deepEqual(index, { steps: [0, 2, 4, 5] });
  assert.equal((await loadModel(`${snapshots}/step-000004`)).config.layers, 1);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("stage train with lora gives whole models, the adapter merged into them", async () => {
  const folder = await Deno.makeTempDir();
  const { tokens, model } = await prepare(folder);
  const params = { ...RPO, lora: { rank: 2, targets: ["q_proj", "v_proj"] }, microBatchPairs: 1 };
  const inputs = { model, tokens };
  const { folders } = await runStage(train, { params, inputs, outputs: `${folder}/train` });
  const [before, after] = [await loadModel(model), await loadModel(folders.model)];
  const changed = [...after.weights.keys()].filter((name) =>
    after.weights.get(name)!.data.some((x, i) => x !== before.weights.get(name)!.data[i])
  );
  assert.deepEqual(changed, [
    "model.layers.0.self_attn.q_proj.weight",
    "model.layers.0.self_attn.v_proj.weight",
  ]);
  const start = await loadModel(`${folders.snapshots}/step-000000`);
  assert.deepEqual(start.weights, before.weights);
  const end = await loadModel(`${folders.snapshots}/step-000005`);
  assert.deepEqual(end.weights, after.weights);
  await Deno.remove(folder, { recursive: true });
});

function problemsOf(params: unknown): string[] {
  return schemaProblems(train.params, params, "train").map(({ path, message }) =>
    `${path}: ${message}`
  );
}

Deno.test("stage train takes each loss with the coefficients it needs, and no others", () => {
  assert.deepEqual(problemsOf(RPO), []);
  const { beta: _b, eta: _e, sft: _s, ...rest } = RPO;
  assert.deepEqual(problemsOf({ ...rest, loss: "dpo", beta: 0.1 }), []);
  assert.deepEqual(problemsOf({ ...rest, loss: "sft", sft: "token_mean" }), []);
  assert.match(problemsOf({ ...rest, loss: "dpo", beta: 0.1, eta: 1 })[0], /^train\.eta: Unknown/);
  assert.match(problemsOf({ ...rest, loss: "sft" })[0], /^train\.sft: .*sum, sequence_mean/);
  assert.match(problemsOf({ ...rest, loss: "rpo", beta: 1 })[0], /^train\.eta: Missing/);
  assert.match(problemsOf({ ...rest, loss: "rpo", beta: 1 })[1], /^train\.sft: Missing/);
  assert.match(problemsOf({ ...RPO, loss: "rop" })[0], /^train\.loss: .*dpo, rpo, ipo, hinge, sft/);
});

Deno.test("stage train warms up over a part of the steps, rounded up as transformers does", async () => {
  const folder = await Deno.makeTempDir();
  const { tokens, model } = await prepare(folder);
  const { warmupSteps: _, ...rest } = { warmupSteps: 0, ...RPO };
  const params = { ...rest, schedule: "constant", learningRate: 1, warmupRatio: 0.3 };
  const { folders } = await runStage(train, {
    params,
    inputs: { model, tokens },
    outputs: `${folder}/train`,
  });
  const steps = parseStepRecords(await Deno.readTextFile(`${folders.steps}/steps.jsonl`));
  assert.deepEqual(steps.map(({ lr }) => lr), [0, 0.5, 1, 1, 1], "⌈0.3 · 5⌉ = 2 steps");
  assert.match(
    problemsOf({ ...RPO, warmupSteps: 2, warmupRatio: 0.1 })[0],
    /^train\.warmupRatio: Expected not both warmupSteps and warmupRatio but found 0\.1\.$/,
  );
  await Deno.remove(folder, { recursive: true });
});

Deno.test("stage train takes exactly one of epochs and steps", () => {
  const { epochs: _, ...rest } = RPO;
  assert.deepEqual(problemsOf({ ...rest, steps: 3 }), []);
  assert.match(problemsOf({ ...rest, steps: 3, epochs: 1 })[0], /^train\.steps: .*exactly one of/);
  assert.match(problemsOf(rest)[0], /^train\.steps: /);
});

Deno.test("train refuses snapshots past its last step, and numbers that float32 cannot hold", () => {
  const problems = (changes: Record<string, unknown>) =>
    schemaProblems(train.params, { ...RPO, ...changes }, "").map(({ path, message }) =>
      `${path}: ${message}`
    );
  assert.deepEqual(problems({}), []);
  const { epochs: _, ...rest } = RPO as typeof RPO & { epochs?: number };
  const found = schemaProblems(
    train.params,
    { ...rest, steps: 4, snapshots: { steps: [0, 4, 5] } },
    "",
  );
  assert.deepEqual(found.map(({ path }) => path), ["snapshots.steps[2]"]);
  assert.match(found[0].message, /a step of the 4 there are.* 5/);
  for (const name of ["learningRate", "adamEpsilon"]) {
    for (const value of [1e39, 1e-46, 0]) {
      const [problem] = problems({ [name]: value });
      assert.match(problem, new RegExp(`^${name}: .*a number above 0 that float32 can hold`));
    }
  }
});
