import assert from "node:assert/strict";
import { join } from "node:path";
import {
  ballast,
  ballastJson,
  digestsOf,
  type Place,
  type RunDocument,
} from "../end_to_end/ballast.ts";
import { ScratchFolder } from "../end_to_end/scratch_folder.ts";
import { FakeJudge } from "../eval/judge/fake_judge.ts";
import { SHARED } from "../shared.ts";
import { NEEDS, present, SMOLLM2 } from "./smollm2.ts";

const PROMPTS = 3;
/** Each pair of replies in both orders. */
const REQUESTS = 2 * PROMPTS;

/** `ultrafeedback-smollm2-judged` with one method, few pairs and short replies. */
const RECIPE = `recipe: judged
describe: An adapter of SmolLM2 beside its base, judged.
stages:
  data:
    uses: read-pairs
    params: { limit: 4, testLimit: ${PROMPTS}, dropIdentical: true, dropEmpty: true }
  base: { uses: base-model }
  train-tokens:
    uses: tokenize
    inputs: { pairs: data.train, tokenizer: base.tokenizer }
    params: { maxLength: 128, maxPromptLength: 64, dropIdentical: true }
  reference-logps:
    uses: logps
    inputs: { model: base.model, tokens: train-tokens }
    params: { threads: 2 }
  train:
    inputs: { model: base.model, tokens: train-tokens, reference: reference-logps }
    params:
      { loss: rpo, beta: 0.1, eta: 0.005, sft: sum, lora: { rank: 4 }, learningRate: 1.0e-3,
        schedule: constant, warmupSteps: 0, epochs: 1, batchPairs: 2, seed: 0, threads: 2 }
  generate-reference:
    uses: generate
    inputs: { policy: base.model, pairs: data.test }
    params: &replies { maxNewTokens: 16, maxPromptLength: 64, threads: 2 }
  generate:
    inputs: { policy: train.model, pairs: data.test }
    params: *replies
  judge:
    inputs: { replies: generate, baseline: generate-reference }
    params:
      { system: rpo, baseline: ref, rule: choice, templateName: pair-v2, maxTokens: 2048, coverage: 1 }
  score: { uses: score-pairs, inputs: { judgments: judge } }
  report: { inputs: { scores: score }, params: { title: Judged } }
`;

/** The parts of FastChat's prompt, whose longer answer wins. */
const ANSWERS =
  /\[The Start of Assistant A's Answer\]\n(.*)\n\[The End .*\[The Start of Assistant B's Answer\]\n(.*)\n\[The End/s;

/** Prefers the longer answer, and fails once before each. */
function unsteadyJudge(): FakeJudge {
  return new FakeJudge(({ messages }) => {
    const [, a, b] = ANSWERS.exec(messages.at(-1)!.content)!;
    const verdict = a.length === b.length ? "C" : a.length > b.length ? "A" : "B";
    return `Both were read.\n\nFinal verdict: [[${verdict}]]`;
  }, (_, before) => before === 0 ? { kind: "status", status: 500 } : null);
}

/** What a reader sees of a run's report, byte for byte. */
async function published(store: string): Promise<Record<string, string>> {
  const names = ["report.md", "report.tex", "table.csv", "table.txt"];
  const texts = names.map(async (name): Promise<[string, string]> => [
    name,
    await Deno.readTextFile(join(store, "reports/judged", name)),
  ]);
  return Object.fromEntries(await Promise.all(texts));
}

Deno.test({
  name:
    `SmolLM2 is trained, answers, is judged once, and its tables are made again from the judgments alone ${NEEDS}`,
  ignore: !present,
  async fn() {
    await using scratch = await ScratchFolder.make();
    await using judge = unsteadyJudge();
    await Deno.writeTextFile(join(scratch.path, "judged.yaml"), RECIPE);
    const args = (store: string) => [
      ...[
        "run",
        "report",
        "--recipe",
        "judged.yaml",
        "--store",
        store,
        "--set",
        `base.path=${SMOLLM2}`,
      ],
      ...["--set", `data.path=${join(SHARED, "data/ultrafeedback")}`],
      ...["--set", `judge.template=${join(SHARED, "data/mt_bench/judge_prompts.jsonl")}`],
    ];
    const place: Place = {
      folder: scratch.path,
      environment: { JUDGE_BASE_URL: judge.baseUrl, JUDGE_MODEL: "some-judge" },
    };
    const first = await ballastJson<RunDocument>(args("store"), place);
    assert.equal(judge.seen.length, 2 * REQUESTS, "each once, and once more after its mishap");
    assert.deepEqual([...judge.answers().values()], Array(REQUESTS).fill(1));
    const tables = await published(join(scratch.path, "store"));
    assert.match(tables["table.txt"] + tables["report.md"], /rpo over ref/);

    const again = await ballastJson<RunDocument>(args("store"), place);
    assert.deepEqual(again.ran, []);
    assert.equal(judge.seen.length, 2 * REQUESTS, "the second run asks nothing");

    const elsewhere = join(scratch.path, "elsewhere");
    await Deno.mkdir(elsewhere);
    const copied = await new Deno.Command("cp", {
      args: ["-r", join(scratch.path, "store/judgments"), elsewhere],
    }).output();
    assert.equal(copied.code, 0);
    const offline = await ballastJson<RunDocument>([...args("elsewhere"), "--offline"], place);
    assert.equal(judge.seen.length, 2 * REQUESTS, "nothing is asked offline");
    assert.deepEqual(digestsOf(offline), digestsOf(first));
    assert.deepEqual(await published(elsewhere), tables);

    const { digest } = first.stages.find(({ id }) => id === "judge")!.outputs.judgments;
    const folder = join(scratch.path, "store/objects", digest.slice(0, 2), digest);
    const scored = await ballast(["score", "pairs", folder], place);
    assert.match(scored.stdout, /^rpo over ref /m, scored.stderr);
  },
});
