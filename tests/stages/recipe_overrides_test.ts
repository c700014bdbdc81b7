import assert from "node:assert/strict";
import { readRecipe } from "../../cli/session.ts";
import { InputError } from "../../core/problem.ts";
import { instancesOf } from "./recipe_instances.ts";

/** What recipes and the README tell to set, with names in place of FILE and FOLDER. */
const TOLD: Readonly<Record<string, readonly (readonly string[])[]>> = {
  "paper-judgments": [
    ["data.path=judgments", "alpaca-eval.difficulty=difficulty.jsonl"],
    [
      "data.path=judgments",
      "alpaca-eval.difficulty=difficulty.jsonl",
      "data.pairs=[my_pairs.jsonl]",
    ],
  ],
  "ultrafeedback-small": [
    ["data.path=rows"],
    ["data.hub={dataset: HuggingFaceH4/ultrafeedback_binarized, revision: main}"],
    ["data.path=rows", "tokenizer.path=tokenizer", "tokenizer.vocabSize=null"],
  ],
  "ultrafeedback-smollm2": [
    ["data.path=rows", "base.path=model.gguf"],
    [
      "data.path=rows",
      "base.path=null",
      "base.hub={model: HuggingFaceTB/SmolLM2-135M-Instruct, revision: main}",
    ],
    ["data.path=rows", "base.path=model.gguf", "train.lora=null", "train.learningRate=1e-6"],
    ["data.path=rows", "base.path=model.gguf", "data.limit=1000"],
    [
      ...["data.path=rows", "base.path=model.gguf"],
      ...["generate.temperature=1", "generate-reference.temperature=1"],
    ],
  ],
  "ultrafeedback-smollm2-judged": [
    [
      ...["data.path=rows", "base.path=model.gguf"],
      ...["judge.template=prompts.jsonl", "judge-over-dpo.template=prompts.jsonl"],
      ...["generate.limit=150", "generate-reference.limit=150"],
      ...["judge.prices={input: 10, output: 30}", "judge.budget={dollars: 20}"],
      ...["judge-over-dpo.prices={input: 10, output: 30}", "judge-over-dpo.budget={dollars: 20}"],
    ],
  ],
  "ultrafeedback-smollm2-mt-bench": [
    ["data.path=rows", "base.path=model.gguf", "mt-bench.path=mt_bench"],
    [
      ...["data.path=rows", "base.path=model.gguf", "mt-bench.path=mt_bench"],
      ...["answer.limit=8", "answer-reference.limit=8", "grade.limit=8", "duel.limit=8"],
      "mt-bench.references=reference_answer/gpt-4.jsonl",
    ],
  ],
  "ultrafeedback-smollm2-alpaca-eval": [
    [
      ...["data.path=rows", "base.path=model.gguf", "alpaca-eval.path=alpaca_eval"],
      "score.difficulty=difficulty.jsonl",
    ],
    [
      ...["data.path=rows", "base.path=model.gguf", "alpaca-eval.path=alpaca_eval"],
      ...["score.difficulty=difficulty.jsonl", "score.gamed=gamed_baselines.csv"],
      ...["alpaca-eval.baseline=model_outputs.json", "alpaca-eval.template=alpaca_eval_clf.txt"],
    ],
  ],
};

for (const [name, settings] of Object.entries(TOLD)) {
  for (const set of settings) {
    Deno.test(`${name} takes ${set.join(", ")}`, async () => {
      assert((await instancesOf(name, set)).length > 3);
    });
  }
}

/** The parameters that a text tells to set, such as `train.lora`. */
function setIn(text: string): string[] {
  const found = text.matchAll(/--set\s+(?:>-\s+)?'?([a-z][\w.-]*\.[\w.-]+)=/g);
  return [...found].map(([, path]) => path);
}

Deno.test("what the recipes tell to set is tried above", () => {
  for (const [name, settings] of Object.entries(TOLD)) {
    const tried = new Set(settings.flat().map((one) => one.split("=")[0]));
    const told = setIn(readRecipe(name)!.text);
    assert(told.length > 0, name);
    for (const path of told) assert(tried.has(path), `${name}: ${path}`);
  }
});

Deno.test("null takes away what a recipe says, and what it must say is then missing", async () => {
  const params = async (set: readonly string[]) =>
    (await instancesOf("ultrafeedback-smollm2", ["data.path=rows", "base.path=model.gguf", ...set]))
      .find(({ id }) => id === "train/rpo-sum@seed=0")!.params as Record<string, unknown>;
  assert("lora" in await params([]));
  assert(!("lora" in await params(["train.lora=null"])));
  assert.equal((await params(["train.epochs=null", "train.steps=4"])).steps, 4);
  await assert.rejects(params(["train.learningRate=null"]), (error: Error) => {
    assert(error instanceof InputError);
    assert.match(error.message, /learningRate.*Missing/s);
    return true;
  });
  const methods = await instancesOf("ultrafeedback-smollm2", [
    ...["data.path=rows", "base.path=model.gguf", "matrix.method.dpo=null"],
    ...[
      "compare.systems=[{id: ref, label: ref, from: measure-reference}]",
      "compare.baselines=[ref]",
    ],
  ]);
  assert(!methods.some(({ id }) => id.startsWith("train/dpo")));
});
