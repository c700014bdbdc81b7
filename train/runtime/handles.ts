/** What ONNX Runtime hands out and wants back. Its environment is not among them: it stays. */
export type HandleKind =
  | "CUDAProviderOptions"
  | "DeviceMemory"
  | "IoBinding"
  | "Session"
  | "SessionOptions"
  | "Status"
  | "String"
  | "TensorTypeAndShapeInfo"
  | "Value";

const live = new Map<HandleKind, number>();

/** Something of ONNX Runtime's that is ours until it is disposed of. */
export class Handle implements Disposable {
  #release: ((address: bigint) => void) | undefined;

  constructor(
    readonly kind: HandleKind,
    readonly address: bigint,
    release: (address: bigint) => void,
  ) {
    this.#release = release;
    live.set(kind, (live.get(kind) ?? 0) + 1);
  }

  /** Gives it back; again does nothing. */
  [Symbol.dispose](): void {
    const release = this.#release;
    if (release === undefined) return;
    this.#release = undefined;
    live.set(this.kind, live.get(this.kind)! - 1);
    release(this.address);
  }
}

/** A handle with several users: given back when the last of them is done. */
export class SharedHandle {
  #users = 1;

  constructor(private readonly handle: Handle) {}

  get address(): bigint {
    return this.handle.address;
  }

  /** Another user; `drop` is for each to call once, the first one included. */
  share(): void {
    this.#users++;
  }

  /** Ends one user's use; the last one's ends the handle. */
  drop(): void {
    if (--this.#users === 0) this.handle[Symbol.dispose]();
  }
}

/** How many handles of each kind have not been given back (kinds without any left out). */
export function liveHandles(): Partial<Record<HandleKind, number>> {
  return Object.fromEntries([...live].filter(([, count]) => count !== 0));
}
