import type { Tensor } from "../core/tensor.ts";
import { STORAGE } from "./models/storage_dtype.ts";

/** What layers compute in; weights that are trained, and all that is summed up, stay float32. */
export type Precision = "float32" | "bfloat16";

/** A weight in the type that layers compute in, for one that is only read; itself when it is. */
export function inPrecision(
  tensor: Tensor<Precision>,
  precision: Precision = "float32",
): Tensor<Precision> {
  if (!isFloat32(tensor) || precision === "float32") return tensor;
  const bytes = STORAGE[precision].encode(tensor.data);
  const data = new Uint16Array(bytes.buffer as ArrayBuffer, bytes.byteOffset, tensor.data.length);
  return { dtype: precision, dims: tensor.dims, data };
}

/** A tensor's numbers as float32, exactly; itself when it is. */
export function widened(tensor: Tensor<Precision>): Tensor<"float32"> {
  if (isFloat32(tensor)) return tensor;
  const { dims, data } = tensor as Tensor<"bfloat16">;
  // A bfloat16 is the upper half of a float32.
  const bits = Uint32Array.from(data, (half) => half << 16);
  return { dtype: "float32", dims, data: new Float32Array(bits.buffer) };
}

function isFloat32(tensor: Tensor<Precision>): tensor is Tensor<"float32"> {
  return tensor.dtype === "float32";
}
