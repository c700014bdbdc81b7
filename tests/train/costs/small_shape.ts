import type { ModelShape } from "../../../train/models/parameters.ts";

/**
 * A shape whose costs can be worked out by hand. A layer's matrices: query 4×4, key 2×4, value 2×4,
 * output 4×4, gate and up 6×4, down 4×6, together 16 + 8 + 8 + 16 + 24 + 24 + 24 = 120.
 */
export const SMALL: ModelShape = {
  family: "llama",
  vocabSize: 10,
  hiddenSize: 4,
  intermediateSize: 6,
  layers: 2,
  heads: 2,
  keyValueHeads: 1,
  headDim: 2,
  tiedEmbeddings: false,
};
