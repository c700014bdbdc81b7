import type { AdaptedModel } from "./models/adapter.ts";
import type { Weights } from "./models/model.ts";

/** All weights of a model, in two: those that training changes and those that it only reads. */
export interface WeightParts {
  readonly trained: Weights;
  readonly frozen: Weights;
}

/** With an adapter its weights alone are trained, else all. */
export function weightParts({ weights, adapter }: AdaptedModel): WeightParts {
  if (adapter === undefined) return { trained: weights, frozen: new Map() };
  return { trained: adapter.weights, frozen: weights };
}

/** The model that other trained weights make. */
export function withTrained({ adapter, ...model }: AdaptedModel, trained: Weights): AdaptedModel {
  if (adapter === undefined) return { ...model, weights: trained };
  return { ...model, adapter: { ...adapter, weights: trained } };
}
