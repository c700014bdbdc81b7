/** Element types, named as safetensors and PyTorch name them in long form. */
export type Dtype =
  | "float32"
  | "float64"
  | "float16"
  | "bfloat16"
  | "int64"
  | "int32"
  | "uint8"
  | "bool";

/** The JavaScript array that holds each element type; 16-bit floats are held as raw bits. */
export interface TypedArrayOf {
  float32: Float32Array;
  float64: Float64Array;
  float16: Uint16Array;
  bfloat16: Uint16Array;
  int64: BigInt64Array;
  int32: Int32Array;
  uint8: Uint8Array;
  bool: Uint8Array;
}

/** Bytes of an element of each type. */
export const ELEMENT_BYTES: Readonly<Record<Dtype, number>> = {
  float64: 8,
  int64: 8,
  float32: 4,
  int32: 4,
  float16: 2,
  bfloat16: 2,
  uint8: 1,
  bool: 1,
};

/** An array of zeros that holds elements of a type. */
export function newArray<D extends Dtype>(dtype: D, length: number): TypedArrayOf[D] {
  return new ARRAYS[dtype](length) as TypedArrayOf[D];
}

const ARRAYS: { readonly [D in Dtype]: new (length: number) => TypedArrayOf[D] } = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  int64: BigInt64Array,
  int32: Int32Array,
  uint8: Uint8Array,
  bool: Uint8Array,
};

/** A dense row-major tensor in host memory. */
export interface Tensor<D extends Dtype = Dtype> {
  readonly dtype: D;
  readonly dims: readonly number[];
  readonly data: TypedArrayOf[D];
}

/** The number of elements of a shape; 1 for a scalar. */
export function elementCount(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1);
}

/** A float32 tensor; throws RangeError when the data does not fill the shape. */
export function float32(dims: readonly number[], data: Float32Array): Tensor<"float32"> {
  return checked({ dtype: "float32", dims, data });
}

/** An int64 tensor from safe integers. */
export function int64(dims: readonly number[], values: ArrayLike<number>): Tensor<"int64"> {
  const data = BigInt64Array.from({ length: values.length }, (_, i) => BigInt(values[i]));
  return checked({ dtype: "int64", dims, data });
}

function checked<D extends Dtype>(tensor: Tensor<D>): Tensor<D> {
  const expected = elementCount(tensor.dims);
  if (tensor.data.length !== expected) {
    throw new RangeError(
      `Expected ${expected} elements for shape [${
        tensor.dims.join(", ")
      }] but found ${tensor.data.length}.`,
    );
  }
  return tensor;
}
