import assert from "node:assert/strict";
import { join } from "node:path";
import { PAIRS, writeSmallModel } from "../cli/small_model.ts";
import { ballast } from "../end_to_end/ballast.ts";
import { ScratchFolder } from "../end_to_end/scratch_folder.ts";
import { post, whileServing } from "../serving.ts";
import { hasModules, runPython } from "../run_python.ts";

/** A Python with `lm_eval[api]` and `openai`: BALLAST_HARNESS_PYTHON, else BALLAST_PYTHON, else `python3`. */
const PYTHON = Deno.env.get("BALLAST_HARNESS_PYTHON") ?? Deno.env.get("BALLAST_PYTHON") ??
  "python3";

const script = (name: string) => new URL(name, import.meta.url);

const NEEDS = "(needs a Python; BALLAST_HARNESS_PYTHON names it)";

interface Completion {
  readonly choices: readonly { readonly text: string }[];
}

/** What lm-evaluation-harness made of one model. */
interface Evaluated {
  readonly results: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly samples: {
    readonly choosing: readonly (readonly (readonly [number, boolean])[])[];
    readonly writing: readonly (readonly string[])[];
  };
}

const WORDS = [...new Set(PAIRS.flatMap((pair) => Object.values(pair).join(" ").split(" ")))];
const word = (i: number) => WORDS[i % WORDS.length];
const DOCUMENTS = Array.from({ length: 24 }, (_, i) => ({
  question: `${word(i)} ${word(3 * i + 1)}`,
  choices: [word(i + 2), `${word(i + 5)} ${word(i + 1)}`, word(2 * i + 4)],
  label: i % 3,
}));

/** Writes both tasks; half of the answers to be written are what the model writes. */
async function writeTasks(folder: string, written: readonly string[]): Promise<void> {
  const rows = DOCUMENTS.map((document, i) =>
    JSON.stringify({ ...document, answer: i % 2 === 0 ? written[i] : "nothing of the kind" })
  );
  const data = join(folder, "documents.jsonl");
  await Deno.writeTextFile(data, `${rows.join("\n")}\n`);
  const common = {
    dataset_path: "json",
    dataset_kwargs: { data_files: { test: data } },
    test_split: "test",
    num_fewshot: 0,
    doc_to_text: "{{question}}",
  };
  // JSON is YAML.
  const write = (name: string, task: object) =>
    Deno.writeTextFile(
      join(folder, `${name}.yaml`),
      JSON.stringify({ task: name, ...common, ...task }),
    );
  await write("choosing", {
    output_type: "multiple_choice",
    doc_to_choice: "{{choices}}",
    doc_to_target: "{{label}}",
    metric_list: [{ metric: "acc" }, { metric: "acc_norm" }],
  });
  await write("writing", {
    output_type: "generate_until",
    doc_to_target: "{{answer}}",
    generation_kwargs: { until: ["\n\n"], do_sample: false, max_gen_toks: 8 },
    metric_list: [{ metric: "exact_match" }],
  });
}

Deno.test({
  name:
    `lm-evaluation-harness finds the same through serve-model as in an exported model ${NEEDS}, lm_eval[api], torch, transformers and accelerate`,
  ignore: !await hasModules(PYTHON, "lm_eval", "torch", "transformers", "accelerate"),
  async fn() {
    await using scratch = await ScratchFolder.make();
    await writeSmallModel(scratch.path);
    const place = { folder: scratch.path };
    const exporting = await ballast(["export", "--model", "folder", "--out", "exported"], place);
    assert.equal(exporting.code, 0, exporting.stderr);
    const exported = join(scratch.path, "exported");
    const out = join(scratch.path, "answers.json");
    await whileServing({ args: ["--model", "folder"], ...place }, async ({ address, model }) => {
      const { choices } = await post<Completion>(`${address}/completions`, {
        model,
        prompt: DOCUMENTS.map(({ question }) => question),
        max_tokens: 8,
        temperature: 0,
        stop: ["\n\n"],
      });
      const tasks = join(scratch.path, "tasks");
      await Deno.mkdir(tasks);
      await writeTasks(tasks, choices.map(({ text }) => text));
      const served = {
        model,
        base_url: `${address}/completions`,
        tokenizer: exported,
        max_length: 512,
        max_retries: 1,
      };
      await runPython(PYTHON, script("run_harness.py"), {
        tasks: ["choosing", "writing"],
        folder: tasks,
        out,
        runs: [
          { model: "local-completions", args: served, batch: 1 },
          { model: "local-completions", args: served, batch: 8 },
          {
            model: "hf",
            args: { pretrained: exported, device: "cpu", dtype: "float32" },
            batch: 1,
          },
        ],
      });
    });
    const answers = JSON.parse(await Deno.readTextFile(out)) as Evaluated[];
    const expected = answers.pop()!;
    const figures = ({ results }: Evaluated) =>
      [results.choosing["acc,none"], results.choosing["acc_norm,none"]].concat(
        results.writing["exact_match,none"],
      );
    assert.equal(figures(expected)[2], 0.5);
    assert(
      figures(expected).every((figure) => figure > 0 && figure < 1),
      "figures that can differ",
    );
    for (const found of answers) {
      assert.deepEqual(figures(found), figures(expected));
      assert.deepEqual(found.samples.writing, expected.samples.writing);
      found.samples.choosing.forEach((document, i) =>
        document.forEach(([logp, isGreedy], choice) => {
          const [other, otherIsGreedy] = expected.samples.choosing[i][choice];
          assert(Math.abs(logp - other) < 1e-3, `${i}, ${choice}: ${logp} ${other}`);
          assert.equal(isGreedy, otherIsGreedy);
        })
      );
    }
  },
});

Deno.test({
  name: `Python's openai client meets serve-model ${NEEDS} and openai`,
  ignore: !await hasModules(PYTHON, "openai"),
  async fn() {
    await using scratch = await ScratchFolder.make();
    await writeSmallModel(scratch.path);
    const args = ["--model", "folder", "--model-name", "small"];
    await whileServing({ args, folder: scratch.path }, async ({ address }) => {
      const prompt = PAIRS[0].prompt;
      const found = JSON.parse(
        await runPython(PYTHON, script("ask_openai.py"), { address, prompt }),
      );
      const { choices: [{ text }] } = await post<Completion>(`${address}/completions`, {
        model: "small",
        prompt,
        max_tokens: 8,
        temperature: 0,
      });
      assert.equal(found.model, "small");
      assert.equal(found.text, prompt + text);
      assert(found.logprobs.length > 8 && found.logprobs[0] === null);
      assert.equal(found.streamed, found.chat);
      assert.equal(found.scored, found.written);
      assert.equal(found.refusal.param, "temperature");
      assert.match(found.refusal.message, /from 0 to 2 but found 9/);
    });
  },
});
