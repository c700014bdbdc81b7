import * as ort from "onnxruntime-node";
import { requirePositiveIntegers } from "../../core/positive_integers.ts";
import type { Dtype, Tensor, TypedArrayOf } from "../../core/tensor.ts";
import { InFlight } from "./in_flight.ts";
import { PlacedOnHost, zerosOnHost } from "./placed_on_host.ts";
import {
  type NamedHostTensor,
  requireOnHost,
  requirePlaced,
  type ResolvedRun,
  resolvePreparedRun,
  resolveRun,
} from "./resolve_run.ts";
import type {
  NamedTensors,
  PlacedTensor,
  PreparedRun,
  PrepareRequest,
  RunRequest,
  Runtime,
  RuntimeOptions,
  Session,
} from "./runtime.ts";

/** Dtypes that the JavaScript binding carries faithfully (its float16 is broken). */
const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  int64: BigInt64Array,
  int32: Int32Array,
  uint8: Uint8Array,
  bool: Uint8Array,
} as const satisfies { [D in Dtype]?: new (length: number) => TypedArrayOf[D] };

/** ONNX Runtime on the CPU through `onnxruntime-node`'s JavaScript API. A run blocks its thread. */
export class OnnxruntimeNode implements Runtime {
  readonly name = "onnxruntime-node";
  readonly description: string;
  readonly version = ort.env.versions.node ?? "unknown";

  /**
   * @param standsIn why this one is used, where another was to be
   * @throws RangeError when the number of threads is not a positive integer
   */
  constructor(readonly options: RuntimeOptions, standsIn?: string) {
    requirePositiveIntegers({ threads: options.threads });
    this.description = standsIn === undefined ? this.name : `${this.name}; ${standsIn}`;
  }

  async session(
    model: Uint8Array,
    constants: ReadonlyMap<string, Tensor> = new Map(),
  ): Promise<Session> {
    const externalData = Array.from(constants, ([path, { data }]) => ({
      path,
      data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
    }));
    return new OnnxruntimeNodeSession(
      await ort.InferenceSession.create(model, { ...sessionOptions(this.options), externalData }),
    );
  }

  place<D extends Dtype>(tensor: Tensor<D>): PlacedTensor<D> {
    return new PlacedOnHost(tensor);
  }

  zeros<D extends Dtype>(dtype: D, dims: readonly number[]): PlacedTensor<D> {
    return zerosOnHost(dtype, dims);
  }
}

function sessionOptions(
  { threads }: RuntimeOptions,
): ort.InferenceSession.SessionOptions {
  return {
    executionProviders: ["cpu"],
    graphOptimizationLevel: "all",
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: "sequential",
    // Patterns are kept per batch shape and cost 40% more memory than they save time.
    enableMemPattern: false,
    // The arena doubles as it grows, which costs the first run as much as computing it, and keeps all.
    enableCpuMemArena: false,
    logSeverityLevel: 4, // errors are thrown with their text; printing them too would say it twice
    // Waiting threads give the processor back, so that workers can run side by side.
    extra: threads === 1 ? { session: { intra_op: { allow_spinning: "0" } } } : {},
  };
}

class OnnxruntimeNodeSession implements Session {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly #inFlight = new InFlight();
  #session: ort.InferenceSession | undefined;

  constructor(session: ort.InferenceSession) {
    this.#session = session;
    this.inputs = session.inputNames;
    this.outputs = session.outputNames;
  }

  async run(feeds: NamedTensors, request: RunRequest = {}): Promise<Record<string, Tensor>> {
    const session = this.#present();
    const run = requireOnHost(resolveRun(this, feeds, request));
    const running = session.run(...toOrtRun(run));
    const results = await this.#inFlight.follow(running, [run]);
    const returned: Record<string, Tensor> = { ...run.returned };
    for (const name of run.fetches) returned[name] = fromOrt(results[name] as ort.Tensor);
    return returned;
  }

  prepare(feeds: NamedTensors, request: PrepareRequest): PreparedRun {
    this.#present();
    const run = requireOnHost(resolvePreparedRun(this, feeds, request));
    const [given, requested] = toOrtRun(run);
    return new OnnxruntimeNodePreparedRun(async () => {
      const session = this.#present();
      requirePlaced(run);
      await this.#inFlight.follow(session.run(given, requested), [given, requested]);
    });
  }

  async release(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    await this.#inFlight.settled();
    await session?.release();
  }

  #present(): ort.InferenceSession {
    if (this.#session === undefined) throw new RangeError("The session has been released.");
    return this.#session;
  }
}

/** The JavaScript API has no bindings to keep: what is kept are the tensors it takes. */
class OnnxruntimeNodePreparedRun implements PreparedRun {
  #run: (() => Promise<void>) | undefined;
  #underWay = false;

  constructor(run: () => Promise<void>) {
    this.#run = run;
  }

  async run(): Promise<void> {
    if (this.#run === undefined) throw new RangeError("The prepared run has been released.");
    if (this.#underWay) throw new RangeError("The prepared run is under way.");
    this.#underWay = true;
    try {
      await this.#run();
    } finally {
      this.#underWay = false;
    }
  }

  release(): void {
    this.#run = undefined;
  }

  [Symbol.dispose](): void {
    this.release();
  }
}

function toOrtRun({ feeds, into, fetches }: ResolvedRun<NamedHostTensor>) {
  const given: Record<string, ort.Tensor> = {};
  for (const { name, tensor } of feeds) given[name] = toOrt(name, tensor);
  const requested: Record<string, ort.OnnxValue | null> = {};
  for (const name of fetches) requested[name] = null;
  for (const { name, tensor } of into) requested[name] = toOrt(name, tensor);
  return [given, requested] as const;
}

function toOrt(name: string, { dtype, dims, data }: Tensor): ort.Tensor {
  if (!(dtype in ARRAYS)) {
    throw new TypeError(
      `"${name}": expected one of ${Object.keys(ARRAYS).join(", ")} but found ${dtype}.`,
    );
  }
  return new ort.Tensor(dtype as "float32", data as Float32Array, dims);
}

function fromOrt(tensor: ort.Tensor): Tensor {
  return { dtype: tensor.type as Dtype, dims: tensor.dims, data: tensor.data as Float32Array };
}
