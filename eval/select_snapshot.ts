import { type DirectedMetric, METRICS } from "./metrics.ts";
import type { ValidationCurve } from "./curve.ts";

/** The snapshot that validation prefers. */
interface SelectedSnapshot {
  readonly step: number;
  readonly value: number;
}

/**
 * The step at which a metric is best on validation data, the earlier of equals: early stopping by
 * what validation says, not by the prompts of the table.
 *
 * @throws RangeError when the curve is empty or a point lacks the metric
 *
 * @example
 * ```ts
 * import { selectSnapshot } from "./select_snapshot.ts";
 * const points = [0.6, 0.8, 0.8, 0.1].map((gold, i) => ({ step: 40 * i, values: { gold } }));
 * if (selectSnapshot({ points }, "gold").step !== 40) throw new Error();
 * ```
 */
export function selectSnapshot(curve: ValidationCurve, metric: DirectedMetric): SelectedSnapshot {
  const sign = METRICS[metric].better === "higher" ? 1 : -1;
  let best: SelectedSnapshot | null = null;
  for (const { step, values } of [...curve.points].sort((a, b) => a.step - b.step)) {
    const value = values[metric];
    if (value === undefined) {
      throw new RangeError(`Expected "${metric}" at step ${step} of the curve but found none.`);
    }
    if (best === null || sign * value > sign * best.value) best = { step, value };
  }
  if (best === null) throw new RangeError("Expected at least 1 point on the curve but found 0.");
  return best;
}
