import type { Dtype } from "./tensor.ts";

/**
 * `TensorProto.DataType` of the ONNX specification; `ONNXTensorElementDataType` of ONNX Runtime's C API
 * counts alike.
 */
export const ONNX_DTYPES: { readonly [D in Dtype]: number } = {
  float32: 1,
  uint8: 2,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
  bfloat16: 16,
};
