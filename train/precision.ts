import { float32, type Tensor } from "../core/tensor.ts";
import { BLOCK_TYPES } from "./models/dequantise.ts";
import { STORAGE } from "./models/storage_dtype.ts";

/** What layers compute in; weights that are trained, and what is gathered of gradients, stay float32. */
export type Precision = "float32" | "bfloat16" | "float16";

/** What AdamW's moments are kept in: squares of small gradients are too small for float16. */
export type MomentPrecision = Exclude<Precision, "float16">;

/** A weight in the type that layers compute in, for one that is only read; itself when it is. */
export function inPrecision<P extends Precision>(
  tensor: Tensor<P | "float32">,
  precision?: P,
): Tensor<P | "float32"> {
  if (!isFloat32(tensor) || precision === undefined || precision === "float32") return tensor;
  const bytes = STORAGE[precision].encode(tensor.data);
  const data = new Uint16Array(bytes.buffer as ArrayBuffer, bytes.byteOffset, tensor.data.length);
  return { dtype: precision, dims: tensor.dims, data } as Tensor as Tensor<P>;
}

/** A tensor's numbers as float32, exactly; itself when it is. */
export function widened(tensor: Tensor<Precision>): Tensor<"float32"> {
  if (isFloat32(tensor)) return tensor;
  const { dtype, dims, data: { buffer, byteOffset, byteLength, length } } = tensor;
  const data = new Float32Array(length);
  BLOCK_TYPES[STORAGE[dtype].name].decode(new Uint8Array(buffer, byteOffset, byteLength), data, 0);
  return float32(dims, data);
}

function isFloat32(tensor: Tensor<Precision>): tensor is Tensor<"float32"> {
  return tensor.dtype === "float32";
}
