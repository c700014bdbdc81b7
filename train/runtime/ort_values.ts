import { type Dtype, elementCount, type Tensor, type TypedArrayOf } from "../../core/tensor.ts";
import { type Handle, SharedHandle } from "./handles.ts";
import type { OnnxruntimeLibrary } from "./onnxruntime_library.ts";
import type { NamedTensor } from "./resolve_run.ts";

/** `ONNXTensorElementDataType`, and the array that holds it. */
const DTYPES = {
  float32: [1, Float32Array],
  uint8: [2, Uint8Array],
  int32: [6, Int32Array],
  int64: [7, BigInt64Array],
  bool: [9, Uint8Array],
  float16: [10, Uint16Array],
  float64: [11, Float64Array],
  bfloat16: [16, Uint16Array],
} as const satisfies {
  [D in Dtype]: readonly [number, new (length: number) => TypedArrayOf[D]];
};

const DTYPE_OF = new Map(
  Object.entries(DTYPES).map(([dtype, [code]]) => [code as number, dtype as Dtype]),
);

/** Stands in for no elements: the library refuses a null address. */
const NOTHING = new Uint8Array(16);

/**
 * The address of an `OrtValue` in a tensor's memory, good until the stack is disposed of. Whoever
 * holds the stack holds the tensor, whose array must not be collected before.
 */
export function borrowValue(
  library: OnnxruntimeLibrary,
  { tensor, placed }: NamedTensor,
  stack: DisposableStack,
): bigint {
  if (placed === null) return stack.use(makeValue(library, tensor)).address;
  const value = placed.value ??= new SharedHandle(makeValue(library, tensor));
  value.share();
  stack.defer(() => value.drop());
  return value.address;
}

function makeValue(library: OnnxruntimeLibrary, { dtype, dims, data }: Tensor): Handle {
  const array = data.length === 0 ? NOTHING : data;
  const shape = BigInt64Array.from(dims, BigInt);
  return library.create("Value", (out) =>
    library.api.CreateTensorWithDataAsOrtValue(
      library.hostMemory,
      array as Uint8Array<ArrayBuffer>,
      BigInt(data.byteLength),
      shape,
      BigInt(dims.length),
      DTYPES[dtype][0],
      out,
    ));
}

/**
 * A copy of a value in an array of our own.
 *
 * @throws TypeError when its elements are of no `Dtype`
 */
export function fromValue(library: OnnxruntimeLibrary, name: string, value: Handle): Tensor {
  const { api } = library;
  using info = library.create(
    "TensorTypeAndShapeInfo",
    (out) => api.GetTensorTypeAndShape(value.address, out),
  );
  const code = library.count((out) => api.GetTensorElementType(info.address, out));
  const dtype = DTYPE_OF.get(code);
  if (dtype === undefined) {
    throw new TypeError(
      `"${name}": expected one of ${Object.keys(DTYPES).join(", ")} but found type ${code}.`,
    );
  }
  const shape = new BigInt64Array(
    library.count((out) => api.GetDimensionsCount(info.address, out)),
  );
  library.check(api.GetDimensions(info.address, shape, BigInt(shape.length)));
  const dims = Array.from(shape, Number);
  const data = new DTYPES[dtype][1](elementCount(dims));
  const source = library.borrow((out) => api.GetTensorMutableData(value.address, out));
  if (data.length > 0) Deno.UnsafePointerView.copyInto(source!, data);
  return { dtype, dims, data };
}
