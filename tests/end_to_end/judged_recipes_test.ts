import assert from "node:assert/strict";
import { join } from "node:path";
import { writeSmallModel } from "../cli/small_model.ts";
import { FakeJudge } from "../eval/judge/fake_judge.ts";
import { longerIsBetter, writeBenchmarks } from "../eval/judge/own_benchmarks.ts";
import { ballast, ballastJson, type PlanDocument, type RunDocument } from "./ballast.ts";
import { writeSplit } from "./own_pairs.ts";
import { ScratchFolder } from "./scratch_folder.ts";

const set = (values: Readonly<Record<string, string | number>>) =>
  Object.entries(values).flatMap(([path, value]) => ["--set", `${path}=${value}`]);

/** The recipe on a small model and a few pairs: each stage runs, none takes long. */
const SMALL = set({
  "base.path": "folder",
  "data.path": "rows",
  "train.learningRate": 0.05,
  ...Object.fromEntries(
    ["generate", "generate-reference"].flatMap((entry) => [
      [`${entry}.limit`, 6],
      [`${entry}.maxNewTokens`, 12],
    ]),
  ),
});
const IN_DATA = [
  ...["--recipe", "ultrafeedback-smollm2-judged", ...SMALL],
  ...set({
    "judge.template": "files/judge_prompts.jsonl",
    "judge-over-dpo.template": "files/judge_prompts.jsonl",
  }),
];
const answers = set({ "answer.maxNewTokens": 12, "answer-reference.maxNewTokens": 12 });
const MT_BENCH = [
  ...["--recipe", "ultrafeedback-smollm2-mt-bench", ...SMALL, ...answers],
  ...set({ "mt-bench.path": "files" }),
];
const ALPACA_EVAL = [
  ...["--recipe", "ultrafeedback-smollm2-alpaca-eval", ...SMALL, ...answers],
  ...set({
    "alpaca-eval.path": "files",
    "alpaca-eval.baseline": "base.json",
    "alpaca-eval.template": "alpaca_eval_clf.txt",
    "score.difficulty": "files/difficulty.jsonl",
  }),
];

const SEED = "@seed=0";
const METHODS = ["dpo", "rpo-sum", "rpo-sequence-mean"];
const each = (entry: string, methods = METHODS) =>
  methods.map((method) => `${entry}/${method}${SEED}`);

Deno.test("the judged recipes of ultrafeedback-smollm2 take what it trained, ask once, and print tables", async (t) => {
  await using scratch = await ScratchFolder.make();
  await writeSmallModel(scratch.path);
  for (const folder of ["rows", "files"]) await Deno.mkdir(join(scratch.path, folder));
  await writeSplit(join(scratch.path, "rows"), "train", 24);
  await writeSplit(join(scratch.path, "rows"), "test", 8);
  await writeBenchmarks(join(scratch.path, "files"));
  await using judge = new FakeJudge(longerIsBetter);
  const alone = { folder: scratch.path };
  const online = {
    folder: scratch.path,
    environment: { JUDGE_BASE_URL: judge.baseUrl, JUDGE_MODEL: "some-judge" },
  };
  const here = ["--store", "store"];
  const missing = async (recipe: readonly string[]) => {
    const { stages } = await ballastJson<PlanDocument>(["plan", ...recipe, ...here], online);
    return stages.filter(({ state }) => state !== "cached").map(({ id }) => id);
  };

  await t.step("the recipe itself needs no judge", async () => {
    const args = ["reproduce", "--recipe", "ultrafeedback-smollm2", ...SMALL, ...here];
    const { code, stdout, stderr } = await ballast(args, alone);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^RPO sum +[−\d]/m);
    assert.doesNotMatch(stdout, /judged by/);
  });

  await t.step("without a judge, and without its template, a judged one is refused", async () => {
    const refused = async (args: readonly string[], message: RegExp) => {
      const { code, stderr } = await ballast(["plan", ...args, ...here], alone);
      assert.equal(code, 2, stderr);
      assert.match(stderr, message);
    };
    await refused(
      IN_DATA,
      /smollm2-judged\.yaml:\d+: stages\.judge\.params\.model.*: Missing\. Expected the judge's name/,
    );
    await refused(
      ["--recipe", "ultrafeedback-smollm2-judged", ...SMALL],
      /judge-over-dpo\.params\.template.*: Missing\. Expected a file with what the judge is asked/,
    );
    const train = ["plan", "--to", "train", ...IN_DATA, ...here];
    assert.equal((await ballast(train, alone)).code, 0, "what needs no judge may be run");
  });

  await t.step("in-data: only what the judge adds is run", async () => {
    const added = [...each("judge"), ...each("judge-over-dpo", METHODS.slice(1)), "score"];
    assert.deepEqual((await missing(IN_DATA)).toSorted(), [...added, "report"].toSorted());
    const run = await ballastJson<RunDocument>(["reproduce", ...IN_DATA, ...here], online);
    assert.deepEqual(run.ran.toSorted(), [...added, "report"].toSorted());
    // Stages take turns at the judge: what two systems with equal replies would ask is asked once.
    const answered = [...judge.answers().values()];
    assert(answered.length > 12 && answered.every((count) => count === 1), `${answered}`);
    const { stdout } = await ballast(["reproduce", ...IN_DATA, ...here], online);
    for (
      const row of [
        /judged by some-judge: the first system over the second/,
        /^DPO over SmolLM2-135M-Instruct +\d+ +\d+ +\d+ +\d/m,
        /^RPO sum over DPO +\d+ +\d+ +\d+ +\d/m,
        /^RPO sequence_mean over DPO /m,
      ]
    ) assert.match(stdout, row);
    assert.equal(judge.seen.length, answered.length);
  });

  await t.step("on another machine the kept judgments make the same table", async () => {
    const { stdout } = await ballast(["reproduce", ...IN_DATA, ...here], online);
    await Deno.mkdir(join(scratch.path, "elsewhere"));
    const copied = ["-r", "store/judgments", "elsewhere/judgments"];
    await new Deno.Command("cp", { args: copied, cwd: scratch.path }).output();
    const asked = judge.seen.length;
    const there = await ballast(
      ["reproduce", ...IN_DATA, "--store", "elsewhere", "--offline"],
      online,
    );
    assert.deepEqual([there.code, there.stdout], [0, stdout], there.stderr);
    assert.equal(judge.seen.length, asked, "nothing is asked");
  });

  for (
    const [name, recipe, added, rows] of [
      [
        "MT-Bench",
        MT_BENCH,
        [
          ...["mt-bench", "audit", "answer-reference", ...each("answer"), "grade-reference"],
          ...[...each("grade"), ...each("duel"), ...each("duel-dpo", METHODS.slice(1))],
          ...[`score${SEED}`, "report"],
        ],
        [/^RPO sum over DPO +\d+ +\d+ +\d+ /m, /^SmolLM2-135M-Instruct +\d+\.\d{3} ± /m],
      ],
      [
        "AlpacaEval",
        ALPACA_EVAL,
        [
          ...["alpaca-eval", "audit", "answer-reference", ...each("answer")],
          ...["annotate-reference", ...each("annotate"), `score${SEED}`, "report"],
        ],
        [/AlpacaEval 2\.0/, /^RPO sequence_mean +\d/m],
      ],
    ] as const
  ) {
    await t.step(`${name}: answered, judged and scored, twice with the same words`, async () => {
      assert.deepEqual((await missing(recipe)).toSorted(), [...added].toSorted());
      const first = await ballast(["reproduce", ...recipe, ...here], online);
      assert.equal(first.code, 0, first.stderr);
      for (const row of rows) assert.match(first.stdout, row);
      const asked = judge.seen.length;
      const { code, stdout } = await ballast(["reproduce", ...recipe, ...here], online);
      assert.deepEqual([code, stdout, judge.seen.length], [0, first.stdout, asked]);
      assert([...judge.answers().values()].every((count) => count === 1));
    });
  }
});
