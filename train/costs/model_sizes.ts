import type { ModelConfig } from "../models/config.ts";
import { FAMILIES, type Family } from "../models/families.ts";
import { type ModelShape, parameterCount } from "../models/parameters.ts";

/** What the size of a model is told by: its shape, and how many weights that makes. */
export type ModelSizes = Readonly<Record<string, number | string>>;

const COUNTS = [
  "vocabSize",
  "hiddenSize",
  "intermediateSize",
  "layers",
  "heads",
  "keyValueHeads",
  "headDim",
] as const satisfies readonly (keyof ModelConfig)[];

/** A shape as plain numbers and names, with the count of its weights. */
export function modelSizes(shape: ModelShape): ModelSizes {
  return {
    family: shape.family,
    ...Object.fromEntries(COUNTS.map((name) => [name, shape[name]])),
    tiedEmbeddings: shape.tiedEmbeddings ? 1 : 0,
    parameters: parameterCount(shape),
  };
}

/** The shape that sizes tell; null where one of them is missing. */
export function shapeOf(sizes: ModelSizes | null | undefined): ModelShape | null {
  const family = sizes?.family as Family;
  if (!sizes || !FAMILIES.includes(family)) return null;
  if (COUNTS.some((name) => !Number.isInteger(sizes[name]))) return null;
  const counts = Object.fromEntries(COUNTS.map((name) => [name, sizes[name]]));
  return { family, ...counts, tiedEmbeddings: sizes.tiedEmbeddings === 1 } as ModelShape;
}
