import * as ort from "onnxruntime-node";
import { type Dtype, elementCount, type Tensor, type TypedArrayOf } from "../../core/tensor.ts";
import type { RunRequest, Runtime, RuntimeOptions, Session } from "./runtime.ts";

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
  readonly version = ort.env.versions.node ?? "unknown";

  /** @throws RangeError when the number of threads is not a positive integer */
  constructor(readonly options: RuntimeOptions) {
    if (!Number.isInteger(options.threads) || options.threads < 1) {
      throw new RangeError(
        `Expected threads to be an integer greater than 0 but found ${options.threads}.`,
      );
    }
  }

  async session(model: Uint8Array): Promise<Session> {
    return new OnnxruntimeNodeSession(
      await ort.InferenceSession.create(model, sessionOptions(this.options.threads)),
    );
  }
}

function sessionOptions(threads: number): ort.InferenceSession.SessionOptions {
  return {
    executionProviders: ["cpu"],
    graphOptimizationLevel: "all",
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: "sequential",
    // Patterns are kept per batch shape and cost 40% more memory than they save time.
    enableMemPattern: false,
    logSeverityLevel: 4, // errors are thrown with their text; printing them too would say it twice
    // Waiting threads give the processor back, so that workers can run side by side.
    extra: threads === 1 ? { session: { intra_op: { allow_spinning: "0" } } } : {},
  };
}

class OnnxruntimeNodeSession implements Session {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  #session: ort.InferenceSession | undefined;

  constructor(session: ort.InferenceSession) {
    this.#session = session;
    this.inputs = session.inputNames;
    this.outputs = session.outputNames;
  }

  async run(
    feeds: Readonly<Record<string, Tensor>>,
    { into = {}, fetches }: RunRequest = {},
  ): Promise<Record<string, Tensor>> {
    if (this.#session === undefined) throw new RangeError("The session has been released.");
    requireNames("input", Object.keys(feeds), this.inputs);
    const missing = this.inputs.filter((name) => feeds[name] === undefined);
    if (missing.length > 0) {
      throw new RangeError(`Expected a feed for each input but found none for ${quoted(missing)}.`);
    }
    const wanted = fetches ?? this.outputs.filter((name) => into[name] === undefined);
    requireNames("output", [...wanted, ...Object.keys(into)], this.outputs);
    requireApart(feeds, into);
    const given: Record<string, ort.Tensor> = {};
    for (const [name, tensor] of Object.entries(feeds)) given[name] = toOrt(name, tensor);
    const requested: Record<string, ort.OnnxValue | null> = {};
    for (const name of wanted) requested[name] = null;
    for (const [name, tensor] of Object.entries(into)) requested[name] = toOrt(name, tensor);
    const results = await this.#session.run(given, requested);
    const returned: Record<string, Tensor> = { ...into };
    for (const name of wanted) returned[name] ??= fromOrt(results[name] as ort.Tensor);
    return returned;
  }

  async release(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    await session?.release();
  }
}

function requireNames(kind: string, names: readonly string[], known: readonly string[]): void {
  const every = new Set(known);
  const unknown = names.filter((name) => !every.has(name));
  if (unknown.length > 0) {
    throw new RangeError(`Expected ${kind}s among ${quoted(known)} but found ${quoted(unknown)}.`);
  }
}

/** Two outputs, or an output and a feed, in one buffer would overwrite each other midway. */
function requireApart(
  feeds: Readonly<Record<string, Tensor>>,
  into: Readonly<Record<string, Tensor>>,
): void {
  const names = new Map<unknown, string>();
  for (const [name, { data }] of Object.entries(feeds)) names.set(data, name);
  for (const [name, { data }] of Object.entries(into)) {
    const other = names.get(data);
    if (other !== undefined) {
      throw new RangeError(
        `Expected output "${name}" in a tensor of its own, not that of "${other}".`,
      );
    }
    names.set(data, name);
  }
}

function quoted(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(", ");
}

function toOrt(name: string, { dtype, dims, data }: Tensor): ort.Tensor {
  if (!(dtype in ARRAYS)) {
    throw new TypeError(
      `"${name}": expected one of ${Object.keys(ARRAYS).join(", ")} but found ${dtype}.`,
    );
  }
  if (data.length !== elementCount(dims)) {
    throw new RangeError(
      `"${name}": expected ${elementCount(dims)} elements for shape [${
        dims.join(", ")
      }] but found ${data.length}.`,
    );
  }
  return new ort.Tensor(dtype as "float32", data as Float32Array, dims);
}

function fromOrt(tensor: ort.Tensor): Tensor {
  return { dtype: tensor.type as Dtype, dims: tensor.dims, data: tensor.data as Float32Array };
}
