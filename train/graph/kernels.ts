import type { Dtype } from "../../core/tensor.ts";
import type { OpType } from "./op_types.ts";

const FLOATING = ["float32", "float64"] as const;
const NUMERIC = [...FLOATING, "int64", "int32"] as const;
const STORED = [...NUMERIC, "bool"] as const;

/** The dtypes that each op has a kernel for, by the operand that decides it. */
export type KernelTable = { readonly [Op in OpType]: readonly Dtype[] };

/**
 * The dtypes for which ONNX Runtime 1.29 has a CPU kernel, or for which a macro can be lowered.
 * Float64 is missing for Softplus and most fused kernels; 16-bit floats and bytes for nearly
 * everything.
 */
export const KERNELS: KernelTable = {
  Constant: [...STORED, "bfloat16", "float16"],
  Full: STORED,
  Size: ["int64"],
  Neg: NUMERIC,
  Exp: FLOATING,
  Log: FLOATING,
  Sqrt: FLOATING,
  Reciprocal: FLOATING,
  Sigmoid: FLOATING,
  Tanh: FLOATING,
  Relu: FLOATING,
  Abs: NUMERIC,
  Sign: NUMERIC,
  Not: ["bool"],
  Add: NUMERIC,
  Sub: NUMERIC,
  Mul: NUMERIC,
  Div: NUMERIC,
  Min: NUMERIC,
  Max: NUMERIC,
  And: ["bool"],
  Equal: STORED,
  Greater: NUMERIC,
  GreaterOrEqual: NUMERIC,
  Less: NUMERIC,
  LessOrEqual: NUMERIC,
  Where: NUMERIC,
  Cast: [...STORED, "bfloat16", "float16"],
  ReduceSum: NUMERIC,
  ReduceMean: [...FLOATING, "int32"],
  ReduceMax: NUMERIC,
  Reshape: STORED,
  Transpose: STORED,
  Expand: STORED,
  Concat: STORED,
  Split: STORED,
  Slice: STORED,
  Trilu: [...FLOATING, "int64"],
  Gather: STORED,
  GatherElements: STORED,
  ScatterElementsAdd: NUMERIC,
  Gemm: FLOATING,
  GemmAdd: FLOATING,
  MatMul: FLOATING,
  Softmax: FLOATING,
  LogSoftmax: FLOATING,
  FusedMatMul: FLOATING,
  FusedRmsNorm: ["float32"],
  FusedSilu: ["float32"],
  FusedGeluTanh: ["float32"],
  FusedSoftplus: ["float32"],
  FusedRotary: ["float32"],
  FusedAttention: ["float32", "float16"],
  CachedAttention: ["float32"],
  Softplus: FLOATING,
  BatchMatMul: FLOATING,
  Route: FLOATING,
  CollectRows: FLOATING,
  CentredProduct: FLOATING,
  RmsNorm: FLOATING,
  GatedActivation: FLOATING,
  Rotary: FLOATING,
  Attention: FLOATING,
  BlockAttention: FLOATING,
  RecomputedAttention: FLOATING,
  TokenLogp: FLOATING,
};
