import type { Tensor } from "../../core/tensor.ts";
import type { Handle } from "./handles.ts";
import { InFlight } from "./in_flight.ts";
import { addressOf, cString, type OnnxruntimeLibrary } from "./onnxruntime_library.ts";
import { borrowValue, fromValue } from "./ort_values.ts";
import {
  type NamedTensor,
  requirePlaced,
  type ResolvedRun,
  resolvePreparedRun,
  resolveRun,
} from "./resolve_run.ts";
import type { NamedTensors, PreparedRun, PrepareRequest, RunRequest, Session } from "./runtime.ts";

/** No `OrtRunOptions`. */
const DEFAULTS = 0n;

/** A zero-terminated name, and where it is. */
interface CName {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly address: bigint;
}

/** How a session was opened. */
export interface SessionFacts {
  /** Whether it computes on a device, to which feeds in host memory are copied as they are bound. */
  readonly copiesFeeds: boolean;
  /** Whether it notes what its nodes take. */
  readonly profiles: boolean;
  /** Throws what a run's status says, if anything. */
  readonly check: (status: bigint) => void;
  /** What it may read from as long as it lives: arrays, and what the library knows them by. */
  readonly constants: readonly Tensor[];
  readonly held: DisposableStack;
}

/** A session of the C API. Made by `OnnxruntimeFfi`. */
export class FfiSession implements Session {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly #library: OnnxruntimeLibrary;
  readonly #names: ReadonlyMap<string, CName>;
  readonly #inFlight = new InFlight();
  readonly #prepared = new Set<FfiPreparedRun>();
  readonly #facts: SessionFacts;
  #session: Handle | undefined;

  /** Takes charge of the session. */
  constructor(library: OnnxruntimeLibrary, session: Handle, facts: SessionFacts) {
    const { api } = library;
    this.#library = library;
    this.#session = session;
    this.#facts = facts;
    const { address } = session;
    const list = (
      count: (session: bigint, out: BigUint64Array<ArrayBuffer>) => bigint,
      name: typeof api.SessionGetInputName,
    ) =>
      Array.from(
        { length: library.count((out) => count(address, out)) },
        (_, i) => library.string((allocator, out) => name(address, BigInt(i), allocator, out)),
      );
    this.inputs = list(api.SessionGetInputCount, api.SessionGetInputName);
    this.outputs = list(api.SessionGetOutputCount, api.SessionGetOutputName);
    this.#names = new Map([...this.inputs, ...this.outputs].map((name) => {
      const bytes = cString(name);
      return [name, { bytes, address: addressOf(bytes) }];
    }));
  }

  async run(feeds: NamedTensors, request: RunRequest = {}): Promise<Record<string, Tensor>> {
    const session = this.#present();
    const run = resolveRun(this, feeds, request);
    using stack = new DisposableStack();
    const value = (tensor: NamedTensor) => borrowValue(this.#library, tensor, stack);
    const { api } = this.#library;
    const inputNames = this.#addresses(run.feeds.map(({ name }) => name));
    const inputs = BigUint64Array.from(run.feeds, value);
    const outputNames = this.#addresses([...run.fetches, ...run.into.map(({ name }) => name)]);
    const outputs = BigUint64Array.from([...run.fetches.map(() => 0n), ...run.into.map(value)]);
    const running = api.Run(
      session.address,
      DEFAULTS,
      inputNames,
      inputs,
      BigInt(inputs.length),
      outputNames,
      BigInt(outputs.length),
      outputs,
    );
    const uses = [run, this, inputNames, inputs, outputNames, outputs];
    this.#facts.check(await this.#inFlight.follow(running, uses));
    const fetched = run.fetches.map((_, i) => stack.use(this.#library.own("Value", outputs[i])));
    const results: Record<string, Tensor> = { ...run.returned };
    run.fetches.forEach((name, i) => results[name] = fromValue(this.#library, name, fetched[i]));
    return results;
  }

  prepare(feeds: NamedTensors, request: PrepareRequest): PreparedRun {
    const session = this.#present();
    const prepared = new FfiPreparedRun({
      library: this.#library,
      session,
      inFlight: this.#inFlight,
      run: resolvePreparedRun(this, feeds, request),
      blocking: request.blocking ?? false,
      facts: this.#facts,
      forget: () => this.#prepared.delete(prepared),
    });
    this.#prepared.add(prepared);
    return prepared;
  }

  async release(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    for (const prepared of this.#prepared) prepared.refuse("The session has been released.");
    await this.#inFlight.settled();
    for (const prepared of this.#prepared) prepared.release();
    if (session === undefined) return;
    if (this.#facts.profiles) {
      // It writes the file whose name it gives.
      const { api } = this.#library;
      this.#library.string((allocator, out) =>
        api.SessionEndProfiling(session.address, allocator, out)
      );
    }
    session[Symbol.dispose]();
    this.#facts.held.dispose();
  }

  #present(): Handle {
    if (this.#session === undefined) throw new RangeError("The session has been released.");
    return this.#session;
  }

  #addresses(names: readonly string[]): BigUint64Array<ArrayBuffer> {
    return BigUint64Array.from(names, (name) => this.#names.get(name)!.address);
  }
}

interface Preparation {
  readonly library: OnnxruntimeLibrary;
  readonly session: Handle;
  readonly inFlight: InFlight;
  readonly run: ResolvedRun;
  readonly blocking: boolean;
  readonly facts: Pick<SessionFacts, "copiesFeeds" | "check">;
  readonly forget: () => void;
}

/** A run through an `OrtIoBinding` that is kept. */
class FfiPreparedRun implements PreparedRun {
  readonly #preparation: Preparation;
  readonly #handles: DisposableStack;
  readonly #binding: Handle;
  /** Feeds to be bound anew at each run, so that what is in them by then is what is read. */
  readonly #copied: readonly (readonly [name: Uint8Array<ArrayBuffer>, value: bigint])[];
  #underWay = false;
  #refusal: string | undefined;

  constructor(preparation: Preparation) {
    const { library, session, run } = preparation;
    const { api } = library;
    using stack = new DisposableStack();
    this.#binding = stack.use(
      library.create("IoBinding", (out) => api.CreateIoBinding(session.address, out)),
    );
    const bind = (to: typeof api.BindInput, tensors: ResolvedRun["feeds"]) => {
      return tensors.map((tensor) => {
        const [name, value] = [cString(tensor.name), borrowValue(library, tensor, stack)] as const;
        library.check(to(this.#binding.address, name, value));
        return [name, value] as const;
      });
    };
    const fed = bind(api.BindInput, run.feeds);
    bind(api.BindOutput, run.into);
    this.#copied = preparation.facts.copiesFeeds
      ? fed.filter((_, i) => run.feeds[i].tensor !== null)
      : [];
    this.#preparation = preparation;
    this.#handles = stack.move();
  }

  async run(): Promise<void> {
    this.#requireReady();
    const { library, session, inFlight, blocking, facts: { check } } = this.#preparation;
    const { api } = library;
    const [of, binding] = [session.address, this.#binding.address];
    for (const [name, value] of this.#copied) check(api.BindInput(binding, name, value));
    if (blocking) return check(api.RunWithBinding(of, DEFAULTS, binding));
    this.#underWay = true;
    try {
      const running = api.RunWithBindingAside(of, DEFAULTS, binding);
      check(await inFlight.follow(running, [this]));
    } finally {
      this.#underWay = false;
      if (this.#refusal !== undefined) this.#free();
    }
  }

  /** Starts no run from now on. */
  refuse(why: string): void {
    this.#refusal ??= why;
  }

  release(): void {
    this.refuse("The prepared run has been released.");
    if (!this.#underWay) this.#free();
  }

  [Symbol.dispose](): void {
    this.release();
  }

  #requireReady(): void {
    if (this.#refusal !== undefined) throw new RangeError(this.#refusal);
    if (this.#underWay) throw new RangeError("The prepared run is under way.");
    requirePlaced(this.#preparation.run);
  }

  #free(): void {
    this.#preparation.forget();
    this.#handles.dispose();
  }
}
