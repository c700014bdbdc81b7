import type { Dtype, Tensor, TypedArrayOf } from "../../core/tensor.ts";

/** Where sessions compute: the processor, or a GPU by its number. */
export type Device = "cpu" | `cuda:${number}`;

/** How sessions compute. */
export interface RuntimeOptions {
  /** Threads that one op may use, the caller's included; 1 starts no thread pool. */
  readonly threads: number;
  /** `cpu` unless given. */
  readonly device?: Device;
  /**
   * Whether a GPU may round operands of float32 products to TF32's 10 bits of mantissa, several times
   * as fast; it does not unless asked to. A processor never does.
   */
  readonly tf32?: boolean;
  /** Whether weights are trained: what is said when a GPU has no room for it hangs on that. */
  readonly trains?: boolean;
  /**
   * Told of nodes that run on the processor although a GPU was asked for; without it a session with
   * such nodes is refused.
   */
  readonly onFallback?: (message: string) => void;
  /** Where each session writes what its nodes took, at its release: the beginning of files' paths. */
  readonly profile?: string;
}

/** Something that runs ONNX models. Implementations meet one contract: tests/train/runtime. */
export interface Runtime {
  /** Which implementation over which library, as in `onnxruntime-node`. */
  readonly name: string;
  /** For people: its name, with why it stands in for another one where it does. */
  readonly description: string;
  /** The library's version: it may change results, so it belongs in cache keys. */
  readonly version: string;
  readonly options: RuntimeOptions;

  /**
   * Loads a model.
   *
   * @param constants the tensors that the model names without holding them, by name. They never change;
   *   the runtime may hold them a second time as its kernels like them laid out
   * @throws Error with ONNX Runtime's own text when it refuses the model, and with the nodes that
   *   would have run on the processor where a GPU was asked for
   */
  session(model: Uint8Array, constants?: ReadonlyMap<string, Tensor>): Promise<Session>;

  /**
   * A tensor that stays where sessions compute, from run to run. On the CPU that is the host array
   * given, not a copy: writing to the one changes the other. It suits every session of the process.
   *
   * @throws RangeError when the data does not fill the shape
   */
  place<D extends Dtype>(tensor: Tensor<D>): PlacedTensor<D>;

  /** A placed tensor of zeros. */
  zeros<D extends Dtype>(dtype: D, dims: readonly number[]): PlacedTensor<D>;
}

/** A tensor that a runtime holds from run to run. */
export interface PlacedTensor<D extends Dtype = Dtype> extends Disposable {
  readonly dtype: D;
  readonly dims: readonly number[];

  /**
   * Its values in host memory: on the CPU the live array, which later runs change; of a GPU a copy.
   *
   * @throws RangeError after its release
   */
  read(): Promise<Tensor<D>>;

  /**
   * Overwrites its values.
   *
   * @throws RangeError when there are more or fewer than it holds, and after its release
   */
  write(data: TypedArrayOf[D]): void;

  /**
   * Sets its values to zero.
   *
   * @throws RangeError after its release
   */
  clear(): void;

  /**
   * Overwrites its values with those of another tensor of the same runtime, where they are.
   *
   * @throws RangeError when that has more or fewer elements or another type, and after the release of either
   */
  copyFrom(source: PlacedTensor<D>): void;

  /**
   * Elements `start` … `start + count` in row-major order, in the same memory: as a tensor of one
   * dimension unless a shape is given. The piece is released by itself, and may outlive the whole.
   *
   * @throws RangeError when they are not all there, or do not fill the shape
   */
  piece(start: number, count: number, dims?: readonly number[]): PlacedTensor<D>;

  /** Ends its use: runs refuse it from then on. Releasing it again does nothing. */
  release(): void;
}

/** Tensors by input or output name, in host memory or placed. */
export type NamedTensors = Readonly<Record<string, Tensor | PlacedTensor>>;

/** What a run hands back. */
export interface RunRequest {
  /** Outputs to return in new tensors; all that `into` does not name, unless given. */
  readonly fetches?: readonly string[];
  /**
   * Tensors that outputs are written into, by output name: no allocation. None may share memory with
   * another, or with what is fed to the same run, unless `inPlace` says so.
   */
  readonly into?: NamedTensors;
  /**
   * Outputs of `into` that overwrite just the tensor that is fed as some input. The caller vouches
   * that the model reads each old value for the last time before it writes the new one, as an
   * elementwise update that ends in this output does: nobody checks.
   */
  readonly inPlace?: readonly string[];
}

/** What a prepared run writes. */
export interface PrepareRequest extends RunRequest {
  /** Where every output goes that is wanted; a prepared run allocates none. */
  readonly into: NamedTensors;
  /**
   * Lets a run block the thread where the implementation can spare it that: what handing a run to
   * another thread costs is more than what a tiny run takes.
   */
  readonly blocking?: boolean;
}

/** A run whose names and tensors were checked and bound once, to be repeated on the same memory. */
export interface PreparedRun extends Disposable {
  /**
   * Runs once: reads what its tensors hold by then.
   *
   * @throws RangeError while a run is under way, and after the release of it, of its session or of
   *   one of its placed tensors
   * @throws Error with ONNX Runtime's own text when the run fails
   */
  run(): Promise<void>;

  /** Unbinds its tensors, once a run under way has ended. Releasing it again does nothing. */
  release(): void;
}

/** A loaded model. Runs may overlap, unless they write to the same tensors. */
export interface Session {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];

  /**
   * Runs the model once. Tensors must be left alone until the run has ended.
   *
   * @returns the outputs fetched, and the host tensors of `into` (the same ones), by name
   * @throws RangeError for an unknown or missing name, for tensors that share memory, and for
   *   placed tensors after their release
   * @throws Error with ONNX Runtime's own text when the run fails, as for shapes that do not suit
   */
  run(feeds: NamedTensors, request?: RunRequest): Promise<Record<string, Tensor>>;

  /**
   * Checks names and tensors as `run` does, and binds them for many runs. Whether they suit the
   * model is for ONNX Runtime to say, at the first run.
   *
   * @throws RangeError as `run` does, and for a fetch that `into` has no tensor for
   */
  prepare(feeds: NamedTensors, request: PrepareRequest): PreparedRun;

  /**
   * Frees the model and its prepared runs, once runs under way have ended; none may start from the
   * call on. Releasing it again does nothing.
   */
  release(): Promise<void>;
}
