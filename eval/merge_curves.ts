import type { Curve } from "../core/results.ts";
import type { StepRecord } from "../train/step_record.ts";
import type { ValidationCurve } from "./curve.ts";
import { mean } from "./stats/moments.ts";

/** What one system and seed did along training. */
interface CurveSources {
  readonly system: string;
  readonly label: string;
  readonly seed: number;
  /** Means over validation prompts and pairs, at snapshots. */
  readonly validation: ValidationCurve | null;
  /** What each training step saw. */
  readonly steps: readonly StepRecord[] | null;
}

type Values = Record<string, number>;

/** Step records' columns and the names they have on a curve; validation columns keep their own. */
const TRAINING_COLUMNS = {
  chosenLogp: "trainChosenLogp",
  rejectedLogp: "trainRejectedLogp",
  margin: "trainMargin",
  accuracy: "trainAccuracy",
  loss: "trainLoss",
  preferenceShare: "trainPreferenceShare",
  regulariserShare: "trainRegulariserShare",
} as const satisfies Partial<Record<keyof StepRecord, string>>;

const FRACTIONS: ReadonlySet<string> = new Set(["accuracy", "preferenceShare", "regulariserShare"]);

/**
 * One curve from a validation curve and the step records. Training columns are means over `window`
 * steps, placed at the last of them, because single batches are too noisy to see anything.
 */
export function mergeCurves(sources: CurveSources, window: number): Curve {
  const points = new Map<number, Values>();
  for (const { step, values } of sources.validation?.points ?? []) {
    points.set(step, { ...points.get(step), ...values });
  }
  for (const { step, values } of trainingPoints(sources.steps ?? [], window)) {
    points.set(step, { ...points.get(step), ...values });
  }
  const { system, label, seed } = sources;
  return {
    system,
    label,
    seed,
    points: [...points].sort(([a], [b]) => a - b).map(([step, values]) => ({ step, values })),
  };
}

function trainingPoints(
  steps: readonly StepRecord[],
  window: number,
): { step: number; values: Values }[] {
  return Array.from({ length: Math.ceil(steps.length / window) }, (_, i) => {
    const part = steps.slice(i * window, (i + 1) * window);
    const values: Values = {};
    for (const [column, name] of Object.entries(TRAINING_COLUMNS)) {
      const known = part.map((record) => record[column as keyof typeof TRAINING_COLUMNS])
        .filter((value) => value !== null);
      // Fractions in step records, percent everywhere else.
      const scale = FRACTIONS.has(column) ? 100 : 1;
      if (known.length > 0) values[name] = scale * mean(known);
    }
    return { step: part[part.length - 1].step, values };
  });
}
