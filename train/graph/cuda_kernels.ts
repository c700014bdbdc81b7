import type { KernelTable } from "./kernels.ts";

const FLOATING = ["float32", "float64", "float16", "bfloat16"] as const;
const WITHOUT_BFLOAT16 = ["float32", "float64", "float16"] as const;
const NUMERIC = [...FLOATING, "int64", "int32"] as const;
const STORED = [...NUMERIC, "bool"] as const;

/**
 * The dtypes for which ONNX Runtime 1.29 has a CUDA kernel, or for which a macro can be lowered: from
 * its docs/OperatorKernels.md. Bfloat16 is missing where results would be too coarse anyway. Maxima, and
 * means over axes that are neither the first nor the last ones, want cuDNN as they run; none of our graphs
 * holds one.
 */
export const CUDA_KERNELS: KernelTable = {
  Constant: STORED,
  Full: STORED,
  Size: ["int64"],
  Neg: NUMERIC,
  Exp: FLOATING,
  Log: WITHOUT_BFLOAT16,
  Sqrt: FLOATING,
  Reciprocal: WITHOUT_BFLOAT16,
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
  Equal: [...WITHOUT_BFLOAT16, "int64", "int32", "bool"],
  Greater: [...WITHOUT_BFLOAT16, "int64", "int32"],
  GreaterOrEqual: [...WITHOUT_BFLOAT16, "int64", "int32"],
  Less: [...WITHOUT_BFLOAT16, "int64", "int32"],
  LessOrEqual: [...WITHOUT_BFLOAT16, "int64", "int32"],
  Where: NUMERIC,
  Cast: STORED,
  ReduceSum: NUMERIC,
  ReduceMean: [...WITHOUT_BFLOAT16, "int32"],
  ReduceMax: [...WITHOUT_BFLOAT16, "int64", "int32"],
  Reshape: STORED,
  Transpose: STORED,
  Expand: STORED,
  Concat: STORED,
  Split: STORED,
  Slice: STORED,
  Trilu: STORED,
  Gather: STORED,
  GatherElements: STORED,
  ScatterElementsAdd: ["float32", "float64", "float16", "int64", "int32"],
  Gemm: FLOATING,
  GemmAdd: FLOATING,
  MatMul: FLOATING,
  Softmax: FLOATING,
  LogSoftmax: WITHOUT_BFLOAT16,
  FusedMatMul: FLOATING,
  FusedRmsNorm: ["float32", "float16", "bfloat16"],
  FusedSilu: FLOATING,
  FusedGeluTanh: FLOATING,
  FusedSoftplus: WITHOUT_BFLOAT16,
  FusedRotary: ["float32", "float16", "bfloat16"],
  FusedAttention: ["float32", "float16", "bfloat16"],
  CachedAttention: [], // 16-bit floats alone, with sizes that no decoder of ours asks for
  Softplus: ["float32", "float64"],
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
  TokenLogp: ["float32", "float64"],
};
