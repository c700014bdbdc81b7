import { elementCount, type Tensor } from "../../core/tensor.ts";
import type { ModelConfig } from "../../train/models/config.ts";
import type { Model, Weights } from "../../train/models/model.ts";
import { parametersOf } from "../../train/models/parameters.ts";
import { inPrecision, type Precision } from "../../train/precision.ts";

/** Numbers that are drawn; larger weights repeat them. */
const DRAWN = 1 << 24;

/** A number's share of the range; uniform numbers of this size vary as N(0, 0.02²) does. */
const RANGE = 0.02 * Math.sqrt(12);

/**
 * A model of random weights that is made in seconds at any size: matrices repeat some millions of
 * numbers. Those of an adapter's base, which nothing changes, are views of one array.
 *
 * @param precision that the weights are held in; anything but float32 is for a base alone
 */
export function randomModel(config: ModelConfig, precision: Precision): Model {
  const parameters = parametersOf(config);
  const largest = Math.max(...parameters.map(({ dims }) => elementCount(dims)));
  const drawn = inPrecision(
    { dtype: "float32", dims: [largest], data: numbers(largest) },
    precision,
  );
  const weights = new Map<string, Tensor<Precision>>();
  for (const { name, dims, initially } of parameters) {
    const size = elementCount(dims);
    const ones = () => new Float32Array(size).fill(Number(initially));
    const isMatrix = initially === "normal";
    if (!isMatrix) {
      weights.set(name, inPrecision({ dtype: "float32", dims, data: ones() }, precision));
    } else {
      const view = drawn.data.subarray(0, size);
      const data = precision === "float32" ? view.slice() : view;
      weights.set(name, { dtype: precision, dims, data } as Tensor<Precision>);
    }
  }
  return { config, weights: weights as Weights };
}

function numbers(length: number): Float32Array {
  const data = new Float32Array(length);
  let state = 1;
  for (let i = 0; i < Math.min(length, DRAWN); i++) {
    state = Math.imul(state, 1664525) + 1013904223 | 0;
    data[i] = state / 2 ** 32 * RANGE;
  }
  for (let i = DRAWN; i < length; i *= 2) data.copyWithin(i, 0, Math.min(i, length - i));
  return data;
}
