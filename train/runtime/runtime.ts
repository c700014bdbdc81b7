import type { Tensor } from "../../core/tensor.ts";

/** How sessions compute. */
export interface RuntimeOptions {
  /** Threads that one op may use, the caller's included; 1 starts no thread pool. */
  readonly threads: number;
}

/** Something that runs ONNX models. Implementations meet one contract: tests/train/runtime. */
export interface Runtime {
  /** Which implementation over which library, as in `onnxruntime-node`. */
  readonly name: string;
  /** The library's version: it may change results, so it belongs in cache keys. */
  readonly version: string;
  readonly options: RuntimeOptions;

  /**
   * Loads a model.
   *
   * @throws Error with ONNX Runtime's own text when it refuses the model
   */
  session(model: Uint8Array): Promise<Session>;
}

/** What a run hands back. */
export interface RunRequest {
  /** Outputs to return in new tensors; all that `into` does not name, unless given. */
  readonly fetches?: readonly string[];
  /**
   * Tensors that outputs are written into, by output name: no allocation. None may also be fed to
   * the same run. A step that reads one set of state and writes another swaps the two afterwards.
   */
  readonly into?: Readonly<Record<string, Tensor>>;
}

/** A loaded model. One run at a time. */
export interface Session {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];

  /**
   * Runs the model once.
   *
   * @returns the outputs fetched, and those of `into` (the same tensors), by name
   * @throws RangeError for an unknown or missing name, or for a tensor of `into` that is fed too
   * @throws Error with ONNX Runtime's own text when the run fails, as for shapes that do not suit
   */
  run(
    feeds: Readonly<Record<string, Tensor>>,
    request?: RunRequest,
  ): Promise<Record<string, Tensor>>;

  /** Frees the model; the session is of no use afterwards, and releasing it again does nothing. */
  release(): Promise<void>;
}
