import { Random } from "../../../core/random.ts";
import type { Annotation } from "../../../eval/alpaca_eval/annotations.ts";
import type { Difficulties } from "../../../eval/alpaca_eval/difficulty.ts";
import { sigmoid } from "../../../eval/stats/l1_logistic.ts";

/** Instructions with difficulties, and a judge that follows the length-controlled GLM exactly. */
export interface JudgedWorld {
  readonly annotations: readonly Annotation[];
  readonly difficulties: Difficulties;
}

/** What the judge makes of length, difficulty, and the model's own merit. */
export interface JudgeWeights {
  readonly length: number;
  readonly difficulty: number;
  readonly constant: number;
}

/** Draws a world; its judge prefers longer outputs (`length` below 0) as much as the weights say. */
export function judgedWorld(size: number, weights: JudgeWeights, seed = 1): JudgedWorld {
  const random = Random.seeded(seed, "judged world");
  const values = Float64Array.from({ length: size }, () => random.normal());
  const lengths = Array.from(
    { length: size },
    () => [random.between(1, 99), random.between(1, 99)],
  );
  const differences = lengths.map(([one, two]) => one - two);
  const centre = differences.reduce((a, b) => a + b, 0) / size;
  const deviation = Math.sqrt(
    differences.reduce((sum, each) => sum + (each - centre) ** 2, 0) / (size - 1),
  );
  const annotations = lengths.map(([one, two], i) => ({
    instruction: `instruction ${i}`,
    generator_1: "baseline",
    output_1: "x".repeat(one),
    generator_2: "model",
    output_2: "y".repeat(two),
    annotator: "judge",
    preference: 1 + sigmoid(
      weights.length * Math.tanh(differences[i] / deviation) + weights.difficulty * values[i] +
        weights.constant,
    ),
  }));
  const positions = new Map(annotations.map(({ instruction }, i) => [instruction, i]));
  return { annotations, difficulties: { path: "difficulty.jsonl", values, positions } };
}
