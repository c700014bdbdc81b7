import type { Dtype, Tensor } from "../../core/tensor.ts";
import { FfiSession } from "./ffi_session.ts";
import { type Handle } from "./handles.ts";
import { InFlight } from "./in_flight.ts";
import { cString, FATAL, type OnnxruntimeLibrary } from "./onnxruntime_library.ts";
import { PlacedOnHost } from "./placed_tensor.ts";
import { requireThreads } from "./resolve_run.ts";
import type { PlacedTensor, Runtime, RuntimeOptions, Session } from "./runtime.ts";

const SEQUENTIAL = 0;
const ALL_OPTIMIZATIONS = 99;

/** ONNX Runtime on the CPU through its C API. A run does not block the thread that asked for it. */
export class OnnxruntimeFfi implements Runtime {
  readonly name = "onnxruntime-ffi";
  readonly description = this.name;
  readonly version: string;

  /** @throws RangeError when the number of threads is not a positive integer */
  constructor(readonly options: RuntimeOptions, private readonly library: OnnxruntimeLibrary) {
    requireThreads(options.threads);
    this.version = library.version;
  }

  async session(model: Uint8Array): Promise<Session> {
    const { library } = this;
    using options = sessionOptions(library, this.options);
    const bytes = model as Uint8Array<ArrayBuffer>;
    const out = new BigUint64Array(1);
    const creation = library.api.CreateSessionFromArray(
      library.environment,
      bytes,
      BigInt(bytes.byteLength),
      options.address,
      out,
    );
    library.check(await new InFlight().follow(creation, [bytes, out]));
    using stack = new DisposableStack();
    const session = new FfiSession(library, stack.use(library.own("Session", out[0])));
    stack.move(); // to the session, now that it is there to release it
    return session;
  }

  place<D extends Dtype>(tensor: Tensor<D>): PlacedTensor<D> {
    return new PlacedOnHost(tensor);
  }
}

function sessionOptions(
  library: OnnxruntimeLibrary,
  { threads }: RuntimeOptions,
): Handle {
  const { api } = library;
  const options = library.create("SessionOptions", (out) => api.CreateSessionOptions(out));
  try {
    const set = (status: bigint) => library.check(status);
    set(api.SetSessionExecutionMode(options.address, SEQUENTIAL));
    set(api.SetSessionGraphOptimizationLevel(options.address, ALL_OPTIMIZATIONS));
    set(api.SetSessionLogSeverityLevel(options.address, FATAL));
    set(api.SetIntraOpNumThreads(options.address, threads));
    set(api.SetInterOpNumThreads(options.address, 1));
    // Patterns are kept per batch shape and cost 40% more memory than they save time.
    set(api.DisableMemPattern(options.address));
    // The arena doubles as it grows, which costs the first run as much as computing it, and keeps all.
    set(api.DisableCpuMemArena(options.address));
    const configure = (key: string, value: string) =>
      set(api.AddSessionConfigEntry(options.address, cString(key), cString(value)));
    // Waiting threads give the processor back, so that workers can run side by side.
    if (threads === 1) configure("session.intra_op.allow_spinning", "0");
    return options;
  } catch (error) {
    options[Symbol.dispose]();
    throw error;
  }
}
