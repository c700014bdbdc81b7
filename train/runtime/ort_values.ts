import { ONNX_DTYPES } from "../../core/onnx_dtypes.ts";
import { type Dtype, elementCount, newArray, type Tensor } from "../../core/tensor.ts";
import { type Handle, SharedHandle } from "./handles.ts";
import type { OnnxruntimeLibrary } from "./onnxruntime_library.ts";
import type { PlacedOnDevice } from "./placed_on_device.ts";
import type { NamedTensor } from "./resolve_run.ts";

const DTYPE_OF = new Map(
  Object.entries(ONNX_DTYPES).map(([dtype, code]) => [code, dtype as Dtype]),
);

/** Stands in for no elements: the library refuses a null address. */
const NOTHING = new Uint8Array(16);

/**
 * The address of an `OrtValue` in a tensor's memory, good until the stack is disposed of. Whoever
 * holds the stack holds the tensor, whose array must not be collected before.
 */
export function borrowValue(
  library: OnnxruntimeLibrary,
  named: NamedTensor,
  stack: DisposableStack,
): bigint {
  const { tensor, placed } = named;
  const make = () =>
    tensor === null ? deviceValue(library, named.placed) : hostValue(library, tensor);
  if (placed === null) return stack.use(make()).address;
  const value = placed.value ??= new SharedHandle(make());
  value.share();
  stack.defer(() => value.drop());
  return value.address;
}

/** An `OrtValue` in the memory of a host tensor, whose array must not be collected before it. */
export function hostValue(library: OnnxruntimeLibrary, { dtype, dims, data }: Tensor): Handle {
  const array = data.length === 0 ? NOTHING : data;
  const shape = BigInt64Array.from(dims, BigInt);
  return library.create("Value", (out) =>
    library.api.CreateTensorWithDataAsOrtValue(
      library.hostMemory,
      array as Uint8Array<ArrayBuffer>,
      BigInt(data.byteLength),
      shape,
      BigInt(dims.length),
      ONNX_DTYPES[dtype],
      out,
    ));
}

function deviceValue(library: OnnxruntimeLibrary, placed: PlacedOnDevice): Handle {
  const { dtype, dims, memory, offset, byteLength } = placed;
  const shape = BigInt64Array.from(dims, BigInt);
  return library.create("Value", (out) =>
    library.api.CreateTensorWithAddressAsOrtValue(
      library.deviceMemory(memory!.device),
      memory!.address + BigInt(offset),
      BigInt(byteLength),
      shape,
      BigInt(dims.length),
      ONNX_DTYPES[dtype],
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
      `"${name}": expected one of ${Object.keys(ONNX_DTYPES).join(", ")} but found type ${code}.`,
    );
  }
  const shape = new BigInt64Array(
    library.count((out) => api.GetDimensionsCount(info.address, out)),
  );
  library.check(api.GetDimensions(info.address, shape, BigInt(shape.length)));
  const dims = Array.from(shape, Number);
  const data = newArray(dtype, elementCount(dims));
  const source = library.borrow((out) => api.GetTensorMutableData(value.address, out));
  if (data.length > 0) Deno.UnsafePointerView.copyInto(source!, data);
  return { dtype, dims, data };
}
