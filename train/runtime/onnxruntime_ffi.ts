import { requirePositiveIntegers } from "../../core/positive_integers.ts";
import type { Dtype, Tensor } from "../../core/tensor.ts";
import type { CudaDevice } from "./cuda/cuda_device.ts";
import { explainFailure } from "./cuda/explain_failure.ts";
import { requirePlacement } from "./cuda/placement.ts";
import { FfiSession } from "./ffi_session.ts";
import { type Handle } from "./handles.ts";
import { InFlight } from "./in_flight.ts";
import { addressOf, cString, FATAL, type OnnxruntimeLibrary } from "./onnxruntime_library.ts";
import { hostValue } from "./ort_values.ts";
import { PlacedOnHost, zerosOnHost } from "./placed_on_host.ts";
import type { PlacedTensor, Runtime, RuntimeOptions, Session } from "./runtime.ts";

const SEQUENTIAL = 0;
const ALL_OPTIMIZATIONS = 99;

/**
 * ONNX Runtime through its C API, on the CPU or on a GPU. A run does not block the thread that asked
 * for it.
 */
export class OnnxruntimeFfi implements Runtime {
  readonly name: string;
  readonly description: string;
  readonly version: string;

  /**
   * @param cuda the GPU to compute on, if any
   * @throws RangeError when the number of threads is not a positive integer
   */
  constructor(
    readonly options: RuntimeOptions,
    private readonly library: OnnxruntimeLibrary,
    private readonly cuda?: CudaDevice,
  ) {
    requirePositiveIntegers({ threads: options.threads });
    this.name = cuda === undefined ? "onnxruntime-ffi" : "onnxruntime-cuda";
    this.description = cuda === undefined ? this.name : `${this.name} on ${options.device}`;
    this.version = library.version;
  }

  async session(
    model: Uint8Array,
    constants: ReadonlyMap<string, Tensor> = new Map(),
  ): Promise<Session> {
    const { library, cuda } = this;
    using options = sessionOptions(library, this.options, cuda);
    // Before the session's own stack, so that it is given back after the session.
    using held = new DisposableStack();
    supplyConstants(library, options, { constants, held });
    const bytes = model as Uint8Array<ArrayBuffer>;
    const out = new BigUint64Array(1);
    const creation = library.api.CreateSessionFromArray(
      library.environment,
      bytes,
      BigInt(bytes.byteLength),
      options.address,
      out,
    );
    const status = await new InFlight().follow(creation, [bytes, out, constants]);
    this.#explaining(() => library.check(status));
    using stack = new DisposableStack();
    const owned = stack.use(library.own("Session", out[0]));
    if (cuda !== undefined) requirePlacement(library, owned, this.options.onFallback);
    const facts = {
      copiesFeeds: cuda !== undefined,
      profiles: this.options.profile !== undefined,
      check: (status: bigint) => this.#explaining(() => library.check(status)),
      constants: [...constants.values()],
    };
    const session = new FfiSession(library, owned, { ...facts, held: held.move() });
    stack.move(); // to the session, now that it is there to release it
    return session;
  }

  place<D extends Dtype>(tensor: Tensor<D>): PlacedTensor<D> {
    const { cuda } = this;
    return cuda === undefined
      ? new PlacedOnHost(tensor)
      : this.#explaining(() => cuda.place(tensor));
  }

  zeros<D extends Dtype>(dtype: D, dims: readonly number[]): PlacedTensor<D> {
    const { cuda } = this;
    return cuda === undefined
      ? zerosOnHost(dtype, dims)
      : this.#explaining(() => cuda.zeros(dtype, dims));
  }

  /** Of what a GPU has no room for, says what helps. */
  #explaining<T>(run: () => T): T {
    return this.cuda === undefined ? run() : explainFailure(run, this.options);
  }
}

function sessionOptions(
  library: OnnxruntimeLibrary,
  { threads, profile, tf32 = false }: RuntimeOptions,
  cuda: CudaDevice | undefined,
): Handle {
  const { api } = library;
  using stack = new DisposableStack();
  const options = stack.use(
    library.create("SessionOptions", (out) => api.CreateSessionOptions(out)),
  );
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
  if (profile !== undefined) set(api.EnableProfiling(options.address, cString(profile)));
  const configure = (key: string, value: string) =>
    set(api.AddSessionConfigEntry(options.address, cString(key), cString(value)));
  // Waiting threads give the processor back, so that workers can run side by side.
  if (threads === 1) configure("session.intra_op.allow_spinning", "0");
  if (cuda !== undefined) {
    // The node that it makes of a sum and a softmax wants cuDNN, which nothing else needs.
    configure("optimization.disable_specified_optimizers", "BiasSoftmaxFusion");
    // What `requirePlacement` reads.
    configure("session.record_ep_graph_assignment_info", "1");
    cuda.append(options, { tf32 });
  }
  stack.move();
  return options;
}

/** Has a session that is to be opened take constants where they are. */
function supplyConstants(
  library: OnnxruntimeLibrary,
  options: Handle,
  { constants, held }: {
    readonly constants: ReadonlyMap<string, Tensor>;
    /** Is to keep what the session goes on needing. */
    readonly held: DisposableStack;
  },
): void {
  if (constants.size === 0) return;
  const names = Array.from(constants.keys(), cString);
  const values = Array.from(constants.values(), (it) => held.use(hostValue(library, it)).address);
  library.check(library.api.AddExternalInitializers(
    options.address,
    BigUint64Array.from(names, addressOf),
    BigUint64Array.from(values),
    BigInt(constants.size),
  ));
}
