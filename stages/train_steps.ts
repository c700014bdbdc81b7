/** Parameters of training that decide how many steps it takes. */
export interface StepParams {
  readonly steps?: number;
  readonly epochs?: number;
  readonly batchPairs: number;
}

/** How many steps training takes: as many as asked for, or as its passes over the pairs need. */
export function countSteps({ steps, epochs, batchPairs }: StepParams, pairs: number): number {
  // What rounding adds to a whole number, as in 1.1 · 100 / 10, is no step.
  return steps ?? Math.ceil(epochs! * pairs / batchPairs * (1 - 1e-12));
}

/** When the weights are kept; with `every`, the start and the end are snapshots too. */
export type SnapshotParam = { readonly every: number } | { readonly steps: readonly number[] };

/** The steps after which the weights are kept: a curve begins at the reference. */
export function snapshotSteps(snapshots: SnapshotParam, steps: number): readonly number[] {
  if ("steps" in snapshots) return snapshots.steps;
  const between = Array.from(
    { length: Math.ceil(steps / snapshots.every) },
    (_, i) => i * snapshots.every,
  );
  return [...between, steps];
}
