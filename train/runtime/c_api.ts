/**
 * The functions of ONNX Runtime's C API that we call, each with its place in `struct OrtApi`
 * (onnxruntime_c_api.h). Places never change: the struct only grows at its end. Handles and addresses
 * are `usize`, `OrtStatus*` (0 when all is well) among them; `buffer` is an array that is read or
 * written, by the call alone unless its note says otherwise.
 */
export const C_API = {
  GetErrorMessage: { index: 2, parameters: ["usize"], result: "pointer" },
  // (level, name, out)
  CreateEnv: { index: 3, parameters: ["i32", "buffer", "buffer"], result: "usize" },
  // (env, model, bytes, options, out)
  CreateSessionFromArray: {
    index: 8,
    parameters: ["usize", "buffer", "usize", "usize", "buffer"],
    result: "usize",
    nonblocking: true,
  },
  // (session, options, input names, inputs, count, output names, count, outputs in and out)
  Run: {
    index: 9,
    parameters: ["usize", "usize", "buffer", "buffer", "usize", "buffer", "usize", "buffer"],
    result: "usize",
    nonblocking: true,
  },
  CreateSessionOptions: { index: 10, parameters: ["buffer"], result: "usize" },
  SetSessionExecutionMode: { index: 13, parameters: ["usize", "i32"], result: "usize" },
  // (options, prefix of the file's path)
  EnableProfiling: { index: 14, parameters: ["usize", "buffer"], result: "usize" },
  DisableMemPattern: { index: 17, parameters: ["usize"], result: "usize" },
  DisableCpuMemArena: { index: 19, parameters: ["usize"], result: "usize" },
  SetSessionLogSeverityLevel: { index: 22, parameters: ["usize", "i32"], result: "usize" },
  SetSessionGraphOptimizationLevel: { index: 23, parameters: ["usize", "i32"], result: "usize" },
  SetIntraOpNumThreads: { index: 24, parameters: ["usize", "i32"], result: "usize" },
  SetInterOpNumThreads: { index: 25, parameters: ["usize", "i32"], result: "usize" },
  SessionGetInputCount: { index: 30, parameters: ["usize", "buffer"], result: "usize" },
  SessionGetOutputCount: { index: 31, parameters: ["usize", "buffer"], result: "usize" },
  // (session, index, allocator, out)
  SessionGetInputName: {
    index: 36,
    parameters: ["usize", "usize", "usize", "buffer"],
    result: "usize",
  },
  SessionGetOutputName: {
    index: 37,
    parameters: ["usize", "usize", "usize", "buffer"],
    result: "usize",
  },
  // (memory info, data, bytes, dims, rank, type, out); the value keeps the address of the data
  CreateTensorWithDataAsOrtValue: {
    index: 49,
    parameters: ["usize", "buffer", "usize", "buffer", "usize", "i32", "buffer"],
    result: "usize",
  },
  // the same, with the address of the data on a device
  CreateTensorWithAddressAsOrtValue: {
    index: 49,
    parameters: ["usize", "usize", "usize", "buffer", "usize", "i32", "buffer"],
    result: "usize",
  },
  GetTensorMutableData: { index: 51, parameters: ["usize", "buffer"], result: "usize" },
  GetTensorElementType: { index: 60, parameters: ["usize", "buffer"], result: "usize" },
  GetDimensionsCount: { index: 61, parameters: ["usize", "buffer"], result: "usize" },
  GetDimensions: { index: 62, parameters: ["usize", "buffer", "usize"], result: "usize" },
  GetTensorTypeAndShape: { index: 65, parameters: ["usize", "buffer"], result: "usize" },
  // (name, allocator type, device, memory type, out)
  CreateMemoryInfo: {
    index: 68,
    parameters: ["buffer", "i32", "i32", "i32", "buffer"],
    result: "usize",
  },
  // (allocator type, memory type, out)
  CreateCpuMemoryInfo: { index: 69, parameters: ["i32", "i32", "buffer"], result: "usize" },
  AllocatorFree: { index: 76, parameters: ["usize", "usize"], result: "usize" },
  GetAllocatorWithDefaultOptions: { index: 78, parameters: ["buffer"], result: "usize" },
  ReleaseStatus: { index: 93, parameters: ["usize"], result: "void" },
  ReleaseSession: { index: 95, parameters: ["usize"], result: "void" },
  ReleaseValue: { index: 96, parameters: ["usize"], result: "void" },
  ReleaseTensorTypeAndShapeInfo: { index: 99, parameters: ["usize"], result: "void" },
  ReleaseSessionOptions: { index: 100, parameters: ["usize"], result: "void" },
  // (session, allocator, out)
  SessionEndProfiling: { index: 110, parameters: ["usize", "usize", "buffer"], result: "usize" },
  // (options, key, value)
  AddSessionConfigEntry: { index: 130, parameters: ["usize", "buffer", "buffer"], result: "usize" },
  // (session, options, binding)
  RunWithBinding: { index: 133, parameters: ["usize", "usize", "usize"], result: "usize" },
  RunWithBindingAside: {
    index: 133,
    parameters: ["usize", "usize", "usize"],
    result: "usize",
    nonblocking: true,
  },
  CreateIoBinding: { index: 134, parameters: ["usize", "buffer"], result: "usize" },
  ReleaseIoBinding: { index: 135, parameters: ["usize"], result: "void" },
  // (binding, name, value)
  BindInput: { index: 136, parameters: ["usize", "buffer", "usize"], result: "usize" },
  BindOutput: { index: 137, parameters: ["usize", "buffer", "usize"], result: "usize" },
  // (options, CUDA options)
  SessionOptionsAppendExecutionProvider_CUDA_V2: {
    index: 204,
    parameters: ["usize", "usize"],
    result: "usize",
  },
  CreateCUDAProviderOptions: { index: 205, parameters: ["buffer"], result: "usize" },
  // (CUDA options, keys, values, count)
  UpdateCUDAProviderOptions: {
    index: 206,
    parameters: ["usize", "buffer", "buffer", "usize"],
    result: "usize",
  },
  ReleaseCUDAProviderOptions: { index: 208, parameters: ["usize"], result: "void" },
  // (options, names, values, count); the values and their data must outlive the session
  AddExternalInitializers: {
    index: 210,
    parameters: ["usize", "buffer", "buffer", "usize"],
    result: "usize",
  },
  // (session, subgraphs out, count out)
  Session_GetEpGraphAssignmentInfo: {
    index: 407,
    parameters: ["usize", "buffer", "buffer"],
    result: "usize",
  },
  EpAssignedSubgraph_GetEpName: { index: 408, parameters: ["usize", "buffer"], result: "usize" },
  // (subgraph, nodes out, count out)
  EpAssignedSubgraph_GetNodes: {
    index: 409,
    parameters: ["usize", "buffer", "buffer"],
    result: "usize",
  },
  EpAssignedNode_GetName: { index: 410, parameters: ["usize", "buffer"], result: "usize" },
  EpAssignedNode_GetOperatorType: { index: 412, parameters: ["usize", "buffer"], result: "usize" },
} as const satisfies Readonly<Record<string, Deno.ForeignFunction & { index: number }>>;

type Functions = typeof C_API;

/** The C API, to be called by name. A nonblocking call runs on another thread. */
export type CApi = {
  readonly [N in keyof Functions]: Deno.UnsafeFnPointer<Functions[N]>["call"];
};

/** Binds the functions of a table of the C API. */
export function bindCApi(table: Deno.PointerObject): CApi {
  const view = new Deno.UnsafePointerView(table);
  const bound = Object.entries(C_API).map(([name, { index, ...definition }]) => {
    const pointer = view.getPointer(index * BigInt64Array.BYTES_PER_ELEMENT);
    if (pointer === null) throw new TypeError(`Expected the C API to have ${name}.`);
    const call = new Deno.UnsafeFnPointer(pointer as Deno.PointerObject<never>, definition);
    return [name, call.call.bind(call)];
  });
  return Object.fromEntries(bound) as CApi;
}
