import { ELEMENT_BYTES } from "../../core/tensor.ts";
import type { Dim } from "../graph/dims.ts";
import { isHalf } from "../graph/target.ts";
import type { Node } from "../graph/value.ts";

const FLOAT = 4;

/** The widest head of which the fused kernel needs no sums in float32 beside its result in 16 bits. */
const WIDEST_HEAD = 128;

/**
 * What the kernel of a node holds while it computes, beside operands and results, in bytes: of fused attention,
 * as ONNX Runtime 1.29 asks for it on a GPU (core/providers/cuda/llm/attention.cc). Others are not counted.
 *
 * @param sizeOf how large a dimension is
 */
export function kernelBytes({ op, inputs }: Node, sizeOf: (dim: Dim) => number): number {
  if (op !== "FusedAttention") return 0;
  const [{ dims, dtype }, { dims: keyDims }] = inputs;
  const [sequences, heads, time, width] = dims.map(sizeOf);
  const [, groups, past] = keyDims.map(sizeOf);
  const isGrouped = groups < heads;
  // Then no kernel holds few scores: they are there in float32, and so are probabilities.
  const isWhole = width % 8 !== 0 || past % 4 !== 0 || isGrouped && !isHalf(dtype);
  if (isWhole) return 2 * FLOAT * sequences * heads * time * past;
  const rows = sequences * heads * width;
  // Queries and what is mixed lie token by token; keys and values are repeated for each head of a group.
  const moved = 2 * ELEMENT_BYTES[dtype] * rows * (time + (isGrouped ? past : 0));
  const sums = width > WIDEST_HEAD && isHalf(dtype) ? FLOAT * rows * time : 0;
  return moved + sums;
}
