/**
 * How large an artifact is, in numbers under names that its type and the stages that read it agree
 * on, such as `{ pairs: 2560, promptTokens: 104.5 }`. The engine passes them along unread.
 */
export type Sizes = Readonly<Record<string, number | string>>;

/** What an instance has to do, in a unit in which machines have a speed. */
export interface Work {
  readonly amount: number;
  /** What is counted, such as `operations` or `pairs`. Speeds compare within a unit only. */
  readonly unit: string;
  /** What works: a GPU, or a core of the processor unless given. */
  readonly on?: "gpu";
  /** Units a second of one of them, assumed until something was measured; null where nothing is assumed. */
  readonly perSecond: number | null;
  /** Seconds that do not grow with the amount: starting, loading, saving. */
  readonly startSeconds: number;
  /** Work under the same name runs at the same speed, such as `all weights` and `adapter`. */
  readonly like: string;
  /** How large what is worked with is: a speed measured at a similar scale is preferred. */
  readonly scale: number;
}

/** A part of the peak memory, named for a person: `weights`, `gradients`. */
export interface MemoryPart {
  readonly what: string;
  readonly bytes: number;
  /** Whether it is in a GPU's memory, instead of the host's. */
  readonly isOnGpu?: boolean;
}

/** What is asked of a service that may cost money, before what is kept of it already. */
export interface Calls {
  /** Null where their number is not known yet. */
  readonly count: number | null;
  /** Whether they may be fewer, since what there is to ask about is not known yet. */
  readonly isAtMost?: boolean;
  /** Dollars that they cost at most; null where the number or the price is not known. */
  readonly dollars: number | null;
}

/** What a stage foresees of one of its instances; each field only where it can. */
export interface Prediction {
  /** Sizes of outputs, by port. */
  readonly outputs?: Readonly<Record<string, Sizes>>;
  readonly work?: Work;
  /** Peak memory, in parts: of all processes together, where several compute the instance. */
  readonly memory?: readonly MemoryPart[];
  /** Bytes that each of several processes hands to others, and is handed by them, all in all. */
  readonly exchangedBytes?: number;
  /** Only of stages that call such a service. */
  readonly calls?: Calls;
  /** What was assumed where nothing is known, as sentences. */
  readonly assumes?: readonly string[];
}

/** What a prediction is made from. */
export interface PredictionInput<P = unknown> {
  readonly params: P;
  /** Sizes of each input's artifacts: facts where they exist, else predicted; null where unknown. */
  readonly inputs: Readonly<Record<string, readonly (Sizes | null)[]>>;
  /** Sizes of the outputs that this instance gave last, under whatever key: a guide, no more. */
  readonly last: Readonly<Record<string, Sizes>>;
  /** Whether its result is there: then memory, which may take long to foresee, need not be. */
  readonly isDone: boolean;
}

/**
 * Foresees sizes, work and memory. It lies outside the stage's own module, so that an edited estimate
 * changes no key and re-runs nothing.
 */
export type Predict<P = unknown> = (
  about: PredictionInput<P>,
) => Prediction | Promise<Prediction>;

/** Bytes of all parts; null where nothing was predicted. */
export function totalBytes(memory: readonly MemoryPart[] | undefined): number | null {
  return memory === undefined ? null : memory.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** The parts in a GPU's memory, or those in the host's. */
export function partsOf(memory: readonly MemoryPart[], where: "gpu" | "host"): MemoryPart[] {
  return memory.filter(({ isOnGpu = false }) => isOnGpu === (where === "gpu"));
}

/** Bytes of the parts in the host's memory; null where nothing was predicted. */
export function hostBytes(memory: readonly MemoryPart[] | undefined): number | null {
  return memory === undefined ? null : totalBytes(partsOf(memory, "host"));
}

/** Bytes of the parts in GPUs' memory; null where nothing was predicted, or no GPU is needed. */
export function gpuBytes(memory: readonly MemoryPart[] | undefined): number | null {
  const parts = partsOf(memory ?? [], "gpu");
  return parts.length === 0 ? null : totalBytes(parts);
}

/** All calls together; null where one part is not known, or for none. */
export function totalCalls(parts: readonly Calls[]): Calls | null {
  if (parts.length === 0) return null;
  const total = (values: readonly (number | null)[]) =>
    values.reduce((sum, value) => sum === null || value === null ? null : sum + value, 0);
  return {
    count: total(parts.map(({ count }) => count)),
    ...(parts.some(({ isAtMost }) => isAtMost) && { isAtMost: true }),
    dollars: total(parts.map(({ dollars }) => dollars)),
  };
}
