import type { Predict, Sizes } from "../../pipeline/prediction.ts";
import type { Stage } from "../../pipeline/stage.ts";

/** The parameters of a stage. */
export type ParamsOf<S> = S extends Stage<infer P> ? P : never;

/** How a stage's instances are foreseen. */
export type PredictOf<S> = Predict<ParamsOf<S>>;

/** A count among sizes; null where it is missing. */
export function countOf(sizes: Sizes | null | undefined, name: string): number | null {
  const value = sizes?.[name];
  return typeof value === "number" ? value : null;
}
