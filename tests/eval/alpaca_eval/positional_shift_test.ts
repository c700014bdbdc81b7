import assert from "node:assert/strict";
import { join } from "node:path";
import { readAnnotations } from "../../../eval/alpaca_eval/annotations.ts";
import { readDifficulties } from "../../../eval/alpaca_eval/difficulty.ts";
import { readGamedBaselines } from "../../../eval/alpaca_eval/gamed_baselines.ts";
import { readGlmWeights } from "../../../eval/alpaca_eval/glm_weights.ts";
import { readLeaderboard } from "../../../eval/alpaca_eval/leaderboard.ts";
import {
  CORRELATIONS,
  type ShiftRequest,
  simulatePositionalShift,
} from "../../../eval/alpaca_eval/positional_shift.ts";
import { rateByInstruction } from "../../../eval/alpaca_eval/rate_by_instruction.ts";
import { scoreAlpacaEval } from "../../../eval/alpaca_eval/score.ts";
import { textLength } from "../../../eval/alpaca_eval/text_length.ts";
import { mean } from "../../../eval/stats/moments.ts";
import { SHARED, sharedTest } from "../../shared.ts";
import { judgedWorld } from "./judged_world.ts";

const model = { weights: { length: -1.2, difficulty: 1, constant: -1.6 }, winRate: 20 };

function request(more: Partial<ShiftRequest> = {}): ShiftRequest {
  const { difficulties } = judgedWorld(200, model.weights);
  return {
    ...{ models: [model], difficulties: difficulties.values, missing: 2, seed: 0, draws: 40 },
    ...more,
  };
}

Deno.test("simulatePositionalShift() gives the same for the same seed, and another for another", () => {
  const first = simulatePositionalShift(request());
  assert.deepEqual(simulatePositionalShift(request()), first);
  assert.notDeepEqual(simulatePositionalShift(request({ seed: 1 })), first);
  assert.ok(first.interval[0] < first.median && first.median < first.interval[1]);
});

Deno.test("simulatePositionalShift() finds no shift where difficulty plays no part", () => {
  const difficulties = new Float64Array(100).fill(0.5);
  const { median, interval } = simulatePositionalShift(request({ difficulties }));
  assert.deepEqual([median, ...interval].map((each) => Math.abs(each) < 1e-6), [true, true, true]);
});

Deno.test("simulatePositionalShift() refuses no model, and nothing or all missing", () => {
  assert.throws(() => simulatePositionalShift(request({ models: [] })), RangeError);
  for (const missing of [0, 200, Number.NaN]) {
    assert.throws(() => simulatePositionalShift(request({ missing })), {
      name: "RangeError",
      message: `Expected from 1 to 199 missing rows but found ${missing}.`,
    });
  }
});

const FOLDER = "data/alpaca_eval";
const inData = (name: string) => join(SHARED, FOLDER, name);

/** Pearson's. */
function correlation(one: readonly number[], other: readonly number[]): number {
  const [a, b] = [one, other].map((values) => {
    const centre = mean(values);
    return values.map((value) => value - centre);
  });
  const product = (x: readonly number[], y: readonly number[]) =>
    x.reduce((sum, value, i) => sum + value * y[i], 0);
  return product(a, b) / Math.sqrt(product(a, a) * product(b, b));
}

sharedTest(
  "the simulated interval holds the shift of five models with judgments",
  FOLDER,
  async () => {
    const difficulties = await readDifficulties(inData("instruction_difficulty.jsonl"));
    const gamed = await readGamedBaselines(
      inData("gamed_baselines.csv"),
      difficulties.values.length,
    );
    const weights = await readGlmWeights(inData("glm_weights_baseline_gpt4_1106_preview.csv"));
    const leaderboard = await readLeaderboard(inData("leaderboard_weighted_gpt4_turbo.csv"));
    const names = (await Array.fromAsync(Deno.readDir(inData("annotations")))).map(({ name }) =>
      name
    );
    for (const name of names) {
      const path = inData(`annotations/${name}`);
      const annotations = await readAnnotations(path);
      const differences = annotations.map(({ output_1, output_2 }) =>
        textLength(output_1) - textLength(output_2)
      );
      const found = correlation(differences, [...difficulties.values]);
      assert.ok(CORRELATIONS[0] <= found && found <= CORRELATIONS[1], `${name}: ${found}`);
      const shifts = [[100, 300], [30, 31], [400, 800], [10, 600], [250, 251]].map((lost) => {
        const kept = annotations.filter((_, row) => !lost.includes(row));
        const scored = scoreAlpacaEval({ annotations: kept, path, difficulties, gamed });
        return scored.harnessLengthControlled!.rate - scored.lengthControlled!.rate;
      }).sort((a, b) => a - b);
      const row = leaderboard.find(({ model }) => model === annotations[0].generator_2)!;
      const others = leaderboard.filter(({ model }) => model !== row.model);
      const rate = rateByInstruction({ ...row, n_total: 803 }, others, {
        ...{ weights, difficulties, seed: 0 },
      });
      const published = row.length_controlled_winrate!;
      const [low, high] = rate!.ci95!;
      const own = published - shifts[2];
      assert.ok(low < own && own < high, `${name}: ${own} is not in ${low} to ${high}`);
    }
  },
);
