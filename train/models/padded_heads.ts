import { elementCount, float32, type Tensor } from "../../core/tensor.ts";
import { CACHED_HEAD_MULTIPLE } from "../graph/infer_cache.ts";
import type { ModelConfig } from "./config.ts";
import type { Model } from "./model.ts";
import { biasName, LAYER, layerPrefix } from "./parameters.ts";
import { RotaryAngles, type RotaryTable } from "./rotary_angles.ts";

/** A model whose heads are as wide as attention over a cache takes them. */
export interface PaddedModel {
  /** With the padded width as `headDim`. */
  readonly config: ModelConfig;
  readonly weights: Model["weights"];
  /** What attention scores are multiplied by: 1/sqrt(C) of the model's own C. */
  readonly scale: number;
  /** Cosines and sines of the first positions. */
  readonly angles: (positions: number) => RotaryTable;
}

/**
 * The same model with heads of a multiple of 16 features. Both halves of a head are filled up with
 * features that are zero in queries, keys and values alike, so that they add nothing to any product.
 */
export function padHeads({ config, weights }: Model): PaddedModel {
  const { headDim } = config;
  const scale = 1 / Math.sqrt(headDim);
  const table = new RotaryAngles(config);
  const width = Math.ceil(headDim / CACHED_HEAD_MULTIPLE) * CACHED_HEAD_MULTIPLE;
  if (width === headDim) {
    return { config, weights, scale, angles: (positions) => table.table(0, positions) };
  }
  const padded = new Map(weights);
  const places = { from: headDim, to: width };
  for (let layer = 0; layer < config.layers; layer++) {
    const pad = (name: string, axis: 0 | 1) => {
      const found = weights.get(layerPrefix(layer) + name);
      if (found !== undefined) padded.set(layerPrefix(layer) + name, padAxis(found, axis, places));
    };
    for (const projection of ["query", "key", "value"] as const) {
      pad(LAYER[projection], 0);
      pad(biasName(projection), 0);
    }
    pad(LAYER.output, 1);
  }
  const angles = (positions: number): RotaryTable => {
    const { cos, sin } = table.table(0, positions);
    return { cos: padAngles(cos, width / 2, 1), sin: padAngles(sin, width / 2, 0) };
  };
  return { config: { ...config, headDim: width }, weights: padded, scale, angles };
}

/** Heads along an axis of a matrix or vector, each wider, with zeros behind either half. */
function padAxis(
  { dims, data }: Tensor<"float32">,
  axis: 0 | 1,
  { from, to }: { readonly from: number; readonly to: number },
): Tensor<"float32"> {
  const inner = elementCount(dims.slice(axis + 1));
  const outer = elementCount(dims.slice(0, axis));
  const halves = dims[axis] / (from / 2);
  const wider = dims.with(axis, halves * to / 2);
  const target = new Float32Array(elementCount(wider));
  for (let half = 0; half < outer * halves; half++) {
    const start = half * (from / 2) * inner;
    target.set(data.subarray(start, start + (from / 2) * inner), half * (to / 2) * inner);
  }
  return float32(wider, target);
}

/** Rows of angles with one number behind each. */
function padAngles(
  { dims: [positions, half], data }: Tensor<"float32">,
  width: number,
  value: number,
): Tensor<"float32"> {
  const target = new Float32Array(positions * width).fill(value);
  for (let position = 0; position < positions; position++) {
    target.set(data.subarray(position * half, (position + 1) * half), position * width);
  }
  return float32([positions, width], target);
}
