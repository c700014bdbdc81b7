import assert from "node:assert/strict";
import { join } from "node:path";
import { readAnnotations } from "../../../eval/alpaca_eval/annotations.ts";
import { type Difficulties, readDifficulties } from "../../../eval/alpaca_eval/difficulty.ts";
import { readGamedBaselines } from "../../../eval/alpaca_eval/gamed_baselines.ts";
import { readGlmWeights } from "../../../eval/alpaca_eval/glm_weights.ts";
import { readLeaderboard, recomputeLeaderboard } from "../../../eval/alpaca_eval/leaderboard.ts";
import { readModelOutputs } from "../../../eval/alpaca_eval/model_outputs.ts";
import { scoreAlpacaEval } from "../../../eval/alpaca_eval/score.ts";
import { SHARED, sharedTest } from "../../shared.ts";

const FOLDER = "data/alpaca_eval";
const inData = (name: string) => join(SHARED, FOLDER, name);
const LEADERBOARD = inData("leaderboard_weighted_gpt4_turbo.csv");
const WEIGHTS = inData("glm_weights_baseline_gpt4_1106_preview.csv");

async function open() {
  const difficulties = await readDifficulties(inData("instruction_difficulty.jsonl"));
  const size = difficulties.values.length;
  return { difficulties, gamed: await readGamedBaselines(inData("gamed_baselines.csv"), size) };
}

sharedTest("scoreAlpacaEval() meets the leaderboard for five models", FOLDER, async () => {
  const control = await open();
  const published = new Map((await readLeaderboard(LEADERBOARD)).map((row) => [row.model, row]));
  const names = (await Array.fromAsync(Deno.readDir(inData("annotations")))).map(({ name }) =>
    name
  );
  assert.equal(names.length, 5);
  for (const name of names) {
    const path = inData(`annotations/${name}`);
    const found = scoreAlpacaEval({ annotations: await readAnnotations(path), path, ...control });
    const row = published.get(found.model)!;
    const near = (value: number | null, expected: number | null, tolerance: number) =>
      assert.ok(Math.abs(value! - expected!) <= tolerance, `${name}: ${value} ≠ ${expected}`);
    near(found.winRate, row.win_rate, 1e-6);
    near(found.standardError, row.standard_error, 1e-6);
    near(found.discreteWinRate, row.discrete_win_rate, 1e-6);
    assert.deepEqual(
      [found.n, found.wins, found.losses, found.draws, found.avgLength],
      [row.n_total, row.n_wins, row.n_wins_base, row.n_draws, row.avg_length],
    );
    near(found.lengthControlled!.rate, row.length_controlled_winrate, 0.15);
    assert.deepEqual(found.harnessLengthControlled, found.lengthControlled);
    if (row.lc_standard_error !== null) {
      near(found.lengthControlled!.standardError, row.lc_standard_error, 0.01);
    }
  }
});

sharedTest(
  "two missing rows move the rate by position, not the one by instruction",
  FOLDER,
  async () => {
    const control = await open();
    const path = inData("annotations/claude-2.1.json.gz");
    const whole = await readAnnotations(path);
    const before = scoreAlpacaEval({ annotations: whole, path, ...control });
    for (const [one, other] of [[100, 300], [5, 6], [400, 800]]) {
      const annotations = whole.filter((_, i) => i !== one && i !== other);
      const found = scoreAlpacaEval({ annotations, path, ...control });
      const moved = (rate: number) => Math.abs(rate - before.lengthControlled!.rate);
      assert.ok(moved(found.lengthControlled!.rate) < 0.2);
      assert.ok(moved(found.harnessLengthControlled!.rate) > moved(found.lengthControlled!.rate));
      assert.match(found.notes[0], /803 of 805/);
    }
  },
);

sharedTest("published weights give the leaderboard's rates", FOLDER, async () => {
  const { difficulties } = await open();
  const rows = recomputeLeaderboard(
    await readLeaderboard(LEADERBOARD),
    await readGlmWeights(WEIGHTS),
    { difficulties, tolerance: 1e-3 },
  );
  const different = rows.filter(({ cause }) => cause !== null);
  assert.ok(rows.length >= 199, `${rows.length}`);
  assert.ok(different.length <= 10, different.map(({ model }) => model).join(", "));
  const unexplained = different.filter(({ cause }) => cause!.includes("another fit"));
  assert.ok(unexplained.length <= 2, unexplained.map(({ model }) => model).join(", "));
});

sharedTest(
  "the baseline's outputs are read, in the order of the instructions",
  FOLDER,
  async () => {
    const { difficulties }: { difficulties: Difficulties } = await open();
    const outputs = await readModelOutputs(inData("baseline_gpt4_1106_preview_outputs.json.gz"));
    assert.deepEqual(outputs.map(({ instruction }) => instruction), [
      ...difficulties.positions.keys(),
    ]);
  },
);
