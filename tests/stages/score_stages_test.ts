import assert from "node:assert/strict";
import { join } from "node:path";
import type { ScoreTable } from "../../core/score_table.ts";
import { annotationsJson } from "../../eval/alpaca_eval/annotations.ts";
import { readLeaderboard } from "../../eval/alpaca_eval/leaderboard.ts";
import { scoreAlpacaEval } from "../../eval/alpaca_eval/score.ts";
import { jsonLines } from "../../core/json.ts";
import { renderText } from "../../reports/text.ts";
import { scoreTable } from "../../reports/score_tables.ts";
import readJudgments from "../../stages/read_judgments.ts";
import report from "../../stages/report.ts";
import scoreAlpaca from "../../stages/score_alpaca_eval.ts";
import scoreMtBench from "../../stages/score_mt_bench.ts";
import { judgedWorld } from "../eval/alpaca_eval/judged_world.ts";
import { SHARED, sharedTest } from "../shared.ts";
import { type Ran, runStage, temporaryFolder } from "./run_stage.ts";

const grade = (model: string, question_id: number, turn: number, score: number) => ({
  ...{ question_id, turn, judge: ["judge", "single-v1"], model, score },
});

const tablesIn = async (ran: Ran) =>
  JSON.parse(await Deno.readTextFile(join(ran.output("scores"), "scores.json"))) as ScoreTable[];

Deno.test("score-mt-bench shows grades by turn and category, from a judge's folder or from files", async () => {
  const folder = await temporaryFolder();
  const text = jsonLines([
    ...[grade("weak", 81, 1, 2), grade("weak", 81, 2, -1), grade("weak", 91, 1, 4)],
    ...[grade("strong", 81, 1, 9), grade("strong", 81, 2, 8), grade("strong", 91, 1, 10)],
  ]);
  await Deno.writeTextFile(join(folder, "mt_bench_single.jsonl"), text);
  const judgments = (await runStage(readJudgments, {
    path: folder,
    grades: ["mt_bench_single.jsonl"],
  })).output("judgments");
  const models = [{ model: "weak", label: "Weak" }];
  const ofJudge = await tablesIn(await runStage(scoreMtBench, { models }, { judgments: [folder] }));
  const ofFiles = await tablesIn(await runStage(scoreMtBench, { models }, { judgments }));
  assert.deepEqual(ofFiles, ofJudge);
  const [{ rows, id }] = ofFiles;
  assert.deepEqual([id, rows.map(({ label }) => label)], ["grades", ["Weak", "strong"]]);
  const { mean, turn1, turn2, writing, roleplay } = rows[0].values;
  assert.deepEqual([mean!.value, mean!.n], [3, 2]);
  assert.deepEqual([turn1, turn2, writing, roleplay].map((score) => score?.value), [
    ...[3, undefined, 2, 4],
  ]);
  assert.match(rows[0].note!, /^1 of 3 judgments could not be read/);
  const shown = renderText(scoreTable(ofFiles[0], { instance: "mt-bench", digest: "d" }));
  assert.match(shown, /^Weak \(a\) +3\.000 ± /m);
  assert.match(shown, /^\(a\) 1 of 3 judgments could not be read/m);
});

Deno.test("score-mt-bench refuses unknown models, and folders without judgments of it", async () => {
  const folder = await temporaryFolder();
  const run = (models: unknown) => runStage(scoreMtBench, { models }, { judgments: [folder] });
  await assert.rejects(run([]), /judgments: Expected pairwise judgments, grades or category means/);
  await Deno.writeTextFile(
    join(folder, "mt_bench_single.jsonl"),
    jsonLines([grade("strong", 81, 1, 9)]),
  );
  await assert.rejects(run([{ model: "strnog", label: "S" }]), {
    name: "InputError",
    message: 'models[0].model: Expected a model of the files but found "strnog". ' +
      'Did you mean "strong"?',
  });
});

Deno.test("score-alpaca-eval gives what scoreAlpacaEval() gives, and warns where rows are missing", async () => {
  const world = judgedWorld(60, { length: -1, difficulty: 1, constant: -0.5 });
  const folder = await temporaryFolder();
  const annotations = world.annotations.slice(2);
  await Deno.writeTextFile(join(folder, "annotations.json"), annotationsJson(annotations));
  const difficulty = join(folder, "difficulty.jsonl");
  const positions = [...world.difficulties.positions];
  await Deno.writeTextFile(
    difficulty,
    jsonLines(positions.map(([instruction, index]) => ({
      ...{ index, instruction, difficulty: world.difficulties.values[index] },
    }))),
  );
  const ran = await runStage(scoreAlpaca, { difficulty }, { judgments: [folder] });
  const expected = scoreAlpacaEval({ ...world, annotations, path: "a" });
  const [{ rows: [{ values }], caption }] = await tablesIn(ran);
  assert.equal(values.winRate!.value, expected.winRate);
  assert.equal(values.standardError!.value, expected.standardError);
  assert.deepEqual(values.lengthControlled, {
    ...{ value: expected.lengthControlled!.rate, ci95: null, n: 58 },
  });
  assert.equal(
    values.harnessLengthControlled!.value,
    expected.harnessLengthControlled!.rate,
  );
  const [low, high] = values.winRate!.ci95!;
  assert.ok(low < expected.winRate && expected.winRate < high);
  assert.match(ran.warnings[0], /^model: The file has 58 of 60 instructions/);
  assert.match(caption, /length_controlled_noreg/);

  const unread = annotations.map((row, i) => i % 4 === 0 ? { ...row, preference: null } : row);
  await Deno.writeTextFile(join(folder, "annotations.json"), annotationsJson(unread));
  const partly = await runStage(scoreAlpaca, { difficulty }, { judgments: [folder] });
  const [{ rows: [row] }] = await tablesIn(partly);
  // 58 rows, of which the first and every fourth after it hold no preference.
  const left = /^43 of 58 annotations hold a preference; the others are left out of every rate/;
  assert.match(row.note!, left);
  assert.match(partly.warnings[0].replace("model: ", ""), left);
  const counts = ["lengthControlled", "harnessLengthControlled", "winRate"].map((id) =>
    row.values[id]!.n
  );
  assert.deepEqual(counts, [43, 43, 43]);
  await Deno.writeTextFile(join(folder, "annotations.json"), annotationsJson(annotations));
  await assert.rejects(
    runStage(scoreAlpaca, { difficulty }, { judgments: [folder, folder] }),
    /annotations\.json: Expected another model than in .* but found "model"/,
  );
});

Deno.test("read-judgments takes files of its folder alone, at least one, each under a name of its own", async () => {
  const issues = (params: unknown) =>
    readJudgments.params.safeParse(params).error!.issues.map(({ path }) => path.join("."));
  assert.deepEqual(issues({ path: "x" }), ["pairs"]);
  assert.deepEqual(issues({ path: "x", pairs: ["../y.jsonl", "/z.jsonl"] }), [
    "pairs.0",
    "pairs.1",
  ]);
  const path = await temporaryFolder();
  for (const name of ["a", "b"]) {
    await Deno.mkdir(join(path, name));
    await Deno.writeTextFile(join(path, name, "g.jsonl"), jsonLines([grade("m", 81, 1, 9)]));
  }
  await assert.rejects(runStage(readJudgments, { path, grades: ["a/g.jsonl", "b/g.jsonl"] }), {
    message: "b/g.jsonl: Expected another file name than that of a/g.jsonl.",
  });
});

const ALPACA = "data/alpaca_eval";
sharedTest(
  "score-alpaca-eval meets the leaderboard for published annotations",
  ALPACA,
  async () => {
    const folder = join(SHARED, ALPACA);
    const names = (await Array.fromAsync(Deno.readDir(join(folder, "annotations"))))
      .map(({ name }) => `annotations/${name}`);
    const judgments = (await runStage(readJudgments, { path: folder, annotations: names }))
      .output("judgments");
    const ran = await runStage(scoreAlpaca, {
      difficulty: join(folder, "instruction_difficulty.jsonl"),
      gamed: join(folder, "gamed_baselines.csv"),
    }, { judgments });
    const [{ rows }] = await tablesIn(ran);
    assert.equal(rows.length, names.length);
    const board = await readLeaderboard(join(folder, "leaderboard_weighted_gpt4_turbo.csv"));
    for (const { id, values } of rows) {
      const published = board.find(({ model }) => model === id)!;
      const near = (column: string, expected: number | null, tolerance: number) => {
        const found = values[column]!.value;
        assert.ok(Math.abs(found - expected!) <= tolerance, `${id}: ${column} ${found}`);
      };
      near("winRate", published.win_rate, 1e-6);
      near("standardError", published.standard_error, 1e-6);
      near("avgLength", published.avg_length, 0);
      near("harnessLengthControlled", published.length_controlled_winrate, 0.15);
      assert.equal(values.winRate!.n, published.n_total);
    }
  },
);

Deno.test("an optional column must be of a metric that can be measured", () => {
  const parse = (column: Record<string, unknown>) =>
    report.params.safeParse({ title: "T", table: { title: "T", columns: [column] } });
  assert.equal(parse({ metric: "kl", optional: true }).success, true);
  assert.equal(parse({ metric: "kll" }).success, true, "refused where the results lack it");
  const { error } = parse({ metric: "kll", optional: true });
  const [{ path, message }] = error!.issues;
  assert.equal(path.join("."), "table.columns.0.metric");
  assert.match(message, /^a metric that can be measured: gold, /);
});
