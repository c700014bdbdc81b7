import type { Dtype, Tensor } from "../../core/tensor.ts";
import type { Dim } from "./dims.ts";

/** Attributes of an op that has none. */
export type NoAttributes = Readonly<Record<never, never>>;

interface Axes {
  readonly axes: readonly number[];
  readonly keepDims: boolean;
}

interface Transposes {
  /** Whether the last two axes of the first operand are swapped before the product. */
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

interface ScaledTransposes extends Transposes {
  /** Multiplies the product. */
  readonly scale: number;
}

/** What a gated MLP applies to its gate: x · sigmoid(x), or GELU by its tanh approximation. */
export type Activation = "silu" | "gelu_tanh";

/** Ops that become one ONNX node each (constants and sizes: initialisers and shape arithmetic). */
export interface PrimitiveAttributes {
  Constant: { readonly tensor: Tensor };
  Full: { readonly value: number; readonly dtype: Dtype; readonly dims: readonly Dim[] };
  Size: { readonly dim: Dim };
  Neg: NoAttributes;
  Exp: NoAttributes;
  Log: NoAttributes;
  Sqrt: NoAttributes;
  Reciprocal: NoAttributes;
  Sigmoid: NoAttributes;
  Tanh: NoAttributes;
  Relu: NoAttributes;
  Abs: NoAttributes;
  Sign: NoAttributes;
  Not: NoAttributes;
  Add: NoAttributes;
  Sub: NoAttributes;
  Mul: NoAttributes;
  Div: NoAttributes;
  Min: NoAttributes;
  Max: NoAttributes;
  And: NoAttributes;
  Equal: NoAttributes;
  Greater: NoAttributes;
  GreaterOrEqual: NoAttributes;
  Less: NoAttributes;
  LessOrEqual: NoAttributes;
  Where: NoAttributes;
  Cast: { readonly to: Dtype };
  ReduceSum: Axes;
  ReduceMean: Axes;
  ReduceMax: Axes;
  Reshape: { readonly dims: readonly Dim[] };
  Transpose: { readonly permutation: readonly number[] };
  Expand: { readonly dims: readonly Dim[] };
  Concat: { readonly axis: number };
  Split: { readonly axis: number; readonly sizes: readonly Dim[] };
  Slice: { readonly axis: number; readonly start: Dim; readonly end: Dim };
  Trilu: { readonly upper: boolean; readonly diagonal: number };
  Gather: NoAttributes;
  GatherElements: { readonly axis: number };
  ScatterElementsAdd: { readonly axis: number };
  Gemm: Transposes;
  /** A product added to a third operand of its shape. */
  GemmAdd: Transposes;
  MatMul: NoAttributes;
  Softmax: NoAttributes;
  LogSoftmax: NoAttributes;
  FusedMatMul: ScaledTransposes;
  FusedRmsNorm: { readonly epsilon: number };
  FusedSilu: NoAttributes;
  FusedGeluTanh: NoAttributes;
  FusedSoftplus: NoAttributes;
  FusedRotary: { readonly heads: number };
  /** Operands as `recomputedAttention` names them, in its order. */
  FusedAttention: { readonly scale: number };
  /** Operands as `cachedAttention` names them, in its order; gives what is mixed, and both caches. */
  CachedAttention: {
    readonly heads: number;
    readonly keyValueHeads: number;
    readonly scale: number;
  };
}

/** Ops with a gradient of their own that are lowered to primitives, by dtype, before they run. */
export interface MacroAttributes {
  Softplus: NoAttributes;
  BatchMatMul: ScaledTransposes;
  /** Operands: sources, an index for each target, then an inverse for each source, or none. */
  Route: { readonly sources: number; readonly targets: number };
  /** What comes back to rows from the slots that they fill: a route's cotangent. Slots, inverse. */
  CollectRows: NoAttributes;
  /** a · bᵀ − c, with one number of c for each row: part of attention's cotangent. */
  CentredProduct: NoAttributes;
  RmsNorm: { readonly epsilon: number };
  GatedActivation: { readonly activation: Activation };
  Rotary: NoAttributes;
  Attention: { readonly scale: number };
  /** Operands as `blockAttention` names them, in its order. */
  BlockAttention: { readonly scale: number };
  /** Operands as `recomputedAttention` names them, in its order; queries of each block, in order. */
  RecomputedAttention: { readonly scale: number; readonly blocks: readonly Dim[] };
  TokenLogp: NoAttributes;
}

/** The attributes of each op. */
export interface OpAttributes extends PrimitiveAttributes, MacroAttributes {}

/** Every op there is. Tables of rules are mapped types over it: a missing rule does not compile. */
export type OpType = keyof OpAttributes;

/** Ops that ONNX Runtime has a node for. */
export type PrimitiveOp = keyof PrimitiveAttributes;

/** Ops that are lowered. */
export type MacroOp = keyof MacroAttributes;
