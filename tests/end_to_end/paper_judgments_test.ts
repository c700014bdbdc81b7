import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { parse } from "yaml";
import type { ScoreTable } from "../../core/score_table.ts";
import { readLeaderboard } from "../../eval/alpaca_eval/leaderboard.ts";
import { jsonLines } from "../../core/json.ts";
import { SHARED, sharedTest } from "../shared.ts";
import { ballast, ballastJson, type Place, PROJECT, type RunDocument } from "./ballast.ts";
import { ScratchFolder } from "./scratch_folder.ts";

interface Listed {
  readonly params: {
    readonly pairs: readonly string[];
    readonly categoryMeans: readonly string[];
    readonly published: readonly string[];
    readonly leaderboards: readonly string[];
    readonly weights: readonly string[];
    readonly models: readonly { model: string; label: string }[];
  };
}

/** The recipe's files and models. */
async function listed() {
  const text = await Deno.readTextFile(join(PROJECT, "recipes/paper-judgments.yaml"));
  const { stages } = parse(text) as { stages: Record<string, Listed> };
  const models = (entry: string) => stages[entry].params.models.map(({ model }) => model);
  return { files: stages.data.params, mtBench: models("mt-bench"), alpaca: models("alpaca-eval") };
}

/** Made-up files under the names that the recipe lists. */
async function writeFiles(folder: string): Promise<void> {
  const { files, mtBench: [rpo, dpo, ref], alpaca } = await listed();
  const write = async (name: string, text: string) => {
    await Deno.mkdir(join(folder, dirname(name)), { recursive: true });
    await Deno.writeTextFile(join(folder, name), text);
  };
  for (const [i, model_1] of [dpo, ref].entries()) {
    const verdicts = ["model_2", "model_2", "model_1", "tie"].slice(i);
    await write(
      files.pairs[i],
      jsonLines(verdicts.map((winner, question) => ({
        ...{ question_id: 81 + question, turn: 1, judge: ["judge", "pair-v2"] },
        ...{ model_1, model_2: rpo, g1_winner: winner, g2_winner: winner },
      }))),
    );
  }
  const means = {
    "RPO (own)": { Writing: 8, Math: 5, STEM: 6.5 },
    "Base (gemma)": { Writing: 4, Math: 5, STEM: 4.5 },
  };
  await write(
    files.categoryMeans[0],
    JSON.stringify({ ...means, "Base (beta)": { Writing: 3, Math: 4, STEM: 3.5 } }),
  );
  await write(
    files.published[0],
    "table,row,column,value,note\n2,Ref (beta),MT-Bench,3.5,\n4,DPO (beta),RPO,62.50,swapped?\n" +
      "3,beta and gemma,warm-up ratio,1.0,\n1,RPO (beta),DPO,56.0,\n",
  );
  const board = "win_rate,standard_error,n_wins,n_wins_base,n_draws,n_total,avg_length," +
    "length_controlled_winrate";
  await write(
    files.leaderboards[0],
    `,${board}\n${alpaca[0]},40,5,1,2,0,3,900,50\n${alpaca[1]},40,5,2,2,0,4,800,61\n`,
  );
  const head = ",np.tanh(std_delta_len),instruction_difficulty,not_gamed_baseline.astype(float)\n";
  const weights = (models: readonly string[]) =>
    models.map((model) => `${model},-1,0,0\n`).join("");
  const [main, ref2, dpo2] = files.weights;
  await write(main, head + weights(alpaca));
  await write(ref2, head + weights([alpaca[4], alpaca[5]]));
  await write(dpo2, head + weights([alpaca[4]]));
  await write(
    "difficulty.jsonl",
    jsonLines([0, 1, 2, 3].map((index) => ({
      ...{ index, instruction: `instruction ${index}`, difficulty: index - 1.5 },
    }))),
  );
}

const recipe = (data: string, difficulty: string) => [
  ...["--recipe", "paper-judgments", "--store", "store"],
  ...["--set", `data.path=${data}`, "--set", `alpaca-eval.difficulty=${difficulty}`],
];

/** The tables that a stage of a run gave, by id. */
async function tablesOf(run: RunDocument, entry: string, { folder }: Place) {
  const { digest } = run.stages.find(({ id }) => id === entry)!.outputs.scores;
  const path = `${folder}/store/objects/${digest.slice(0, 2)}/${digest}/scores.json`;
  const tables = JSON.parse(await Deno.readTextFile(path)) as ScoreTable[];
  return (id: string) => {
    const { rows } = tables.find((table) => table.id === id)!;
    return new Map(rows.map((row) => [row.label, row]));
  };
}

Deno.test("paper-judgments scores made-up files, writes every table, and does nothing twice", async () => {
  await using scratch = await ScratchFolder.make();
  const place = { folder: scratch.path };
  await writeFiles(join(scratch.path, "data"));
  const args = recipe("data", "data/difficulty.jsonl");
  // A search path that leads nowhere: there is no LaTeX.
  const first = await ballast(["reproduce", ...args], {
    ...place,
    environment: { PATH: scratch.path },
  });
  assert.equal(first.code, 0, first.stderr);
  assert.match(first.stdout, /RPO \(beta\) over DPO \(beta\) +2 +1 +1 +62\.50 ± /);
  assert.match(first.stdout, /RPO \(beta\) over Ref \(beta\) +1 +1 +1 +50\.00 ± /);
  assert.match(first.stdout, /RPO \(own\) +6\.500 +8\.000 +5\.000/);
  assert.match(first.stdout, /RPO \(gemma\) over Ref \(gemma\) +50\.00/);
  assert.match(first.stdout, /^Ref \(beta\) +MT-Bench +3\.5 +3\.5 +– +within/m);
  assert.match(first.stdout, /^DPO \(beta\) +RPO +62\.50 +37\.50 \(n 4\) +\[.*\] +outside/m);
  assert.match(first.stderr, /Judged on fewer than 4 instructions: RPO \(beta\) 3\./);
  assert.match(first.stderr, /report\.pdf was not made, since pdflatex is not installed/);
  const report = join(scratch.path, "store/reports/paper-judgments");
  for (const name of ["index.html", "report.md", "report.tex"]) {
    const text = await Deno.readTextFile(join(report, name));
    assert.match(text, /MT-Bench, pairwise/, name);
    assert.match(text, /from published weights/, name);
  }
  assert.match(await Deno.readTextFile(join(report, "report.md")), /mt-bench, [0-9a-f]{64}/);
  assert.match(
    await Deno.readTextFile(join(report, "table-alpaca-eval-leaderboard.csv")),
    /DPO \(beta\)/,
  );

  const again = await ballastJson<RunDocument>(["reproduce", ...args], place);
  assert.deepEqual([again.ran, again.cached.length], [[], 5]);
  const tables = await tablesOf(again, "alpaca-eval", place);
  const leaderboard = tables("leaderboard");
  assert.deepEqual(leaderboard.get("RPO (beta)")!.values.lengthControlled, {
    ...{ value: 50, ci95: null, n: 3 },
  });
  assert.match(leaderboard.get("DPO (beta)")!.note!, /another fit/);
  assert.equal(leaderboard.get("zephyr-beta-7b")!.values.publishedLc, null);
});

Deno.test("paper-judgments names every missing and every bad file in one error", async () => {
  await using scratch = await ScratchFolder.make();
  const place = { folder: scratch.path };
  const none = await ballast(["plan", "--recipe", "paper-judgments"], place);
  assert.equal(none.code, 2);
  assert.match(none.stderr, /data\.params\.path: Missing\. Expected a folder with mt_bench/);
  assert.match(none.stderr, /alpaca-eval\.params\.difficulty: Missing\. Expected the difficulties/);
  const folder = join(scratch.path, "data");
  await writeFiles(folder);
  const { files } = await listed();
  await Deno.remove(join(folder, files.pairs[0]));
  await Deno.writeTextFile(join(folder, files.pairs[1]), '{"question_id": 81}\n');
  await Deno.writeTextFile(join(folder, files.categoryMeans[0]), '{"RPO": {"Math": 11}}');
  await Deno.remove(join(folder, files.weights[1]));
  await Deno.writeTextFile(join(folder, files.published[0]), "table,row,column,value\n2,a,b,x\n");
  const args = recipe("data", "data/difficulty.jsonl");
  const { code, stderr } = await ballast(["reproduce", ...args], place);
  assert.equal(code, 1);
  for (
    const problem of [
      /pair_dpo_rpo\.jsonl: Expected a file of pairwise judgments but found none/,
      /pair_sft_rpo\.jsonl:1: model_1: Expected a text but found no such key/,
      /category_scores\.json: RPO: Math: Expected a grade from 0 to 10 but found 11/,
      /baseline_baseline_gemma2\.csv: Expected a file of GLM weights but found none/,
      /published_tables\.csv:2: value: Expected a number but found "x"/,
    ]
  ) assert.match(stderr, problem);
});

sharedTest("paper-judgments meets the paper's figures", "data/rpo_paper", async () => {
  await using scratch = await ScratchFolder.make();
  const place = { folder: scratch.path };
  const data = join(SHARED, "data/rpo_paper");
  const args = recipe(data, join(SHARED, "data/alpaca_eval/instruction_difficulty.jsonl"));
  const run = await ballastJson<RunDocument>(["reproduce", ...args], place);
  const mtBench = await tablesOf(run, "mt-bench", place);
  const counted = (row: string) => {
    const { wins, losses, ties, adjustedWinRate } = mtBench("pairwise").get(row)!.values;
    const shown = adjustedWinRate!.value.toFixed(2);
    assert.equal(adjustedWinRate!.n, 160);
    return [...[wins, losses, ties].map((score) => score!.value), shown];
  };
  assert.deepEqual(counted("RPO (beta) over DPO (beta)"), [47, 22, 91, "57.81"]);
  assert.deepEqual(counted("RPO (beta) over Ref (beta)"), [113, 5, 42, "83.75"]);

  const printed = (await Deno.readTextFile(join(data, "published_tables.csv"))).split("\n")
    .map((line) => line.split(","));
  const paper = (table: string, row: string, column: string) =>
    printed.find((cells) => cells[0] === table && cells[1] === row && cells[2] === column)![3];
  for (const [stated, row] of [["RPO (gemma)", "RPO (gemma)"], ["DPO (gemma)", "DPO (gemma)"]]) {
    const { mean } = mtBench("categories").get(stated)!.values;
    assert.equal(mean!.value.toFixed(3), paper("2", row, "MT-Bench"));
  }
  const alpaca = await tablesOf(run, "alpaca-eval", place);
  const leaderboard = alpaca("leaderboard");
  const systems = ["RPO (beta)", "DPO (beta)", "Ref (beta)", "RPO (gemma)", "DPO (gemma)"];
  for (const row of systems) {
    const { overAll, publishedLc } = leaderboard.get(row)!.values;
    const found = overAll!.value;
    const near = (expected: number, tolerance: number) =>
      assert.ok(Math.abs(found - expected) <= tolerance, `${row}: ${found} ≠ ${expected}`);
    near(Number(paper("2", row, "AlpacaEval 2.0 LC")), 0.0051);
    if (publishedLc !== null) near(publishedLc.value, 1e-3);
  }
  const { n_total } = (await readLeaderboard(join(data, "alpaca_eval/leaderboard_rows.csv")))[0];
  assert.equal(leaderboard.get("RPO (beta)")!.values.lengthControlled!.n, n_total);
  assert.match(leaderboard.get("RPO (beta)")!.note!, /the row's position/);
  const duels = [["RPO (gemma)", "Ref"], ["RPO (gemma)", "DPO"], ["DPO (gemma)", "Ref"]];
  for (const [a, b] of duels) {
    const { lengthControlled } = alpaca("head-to-head").get(`${a} over ${b} (gemma)`)!.values;
    assert.equal(lengthControlled!.value.toFixed(2), paper("6", a, b), `${a} over ${b}`);
  }
});
