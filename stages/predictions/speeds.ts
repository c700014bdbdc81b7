import type { Work } from "../../pipeline/prediction.ts";
import type { Precision } from "../../train/precision.ts";
import type { Device } from "../../train/runtime/runtime.ts";

/**
 * Speeds of one core that are assumed until a stage was measured on the machine at hand: of a virtual
 * processor with AVX-512, in float32.
 */
export const ASSUMED = {
  /** Floating-point operations of large matrix products. */
  operations: 80e9,
  /** Characters that are tokenized. */
  tokenizedCharacters: 800e3,
  /** Pairs that are read and checked. */
  readPairs: 5000,
  /** Bytes of weights that are read from a file. */
  copiedBytes: 200e6,
  /** Bytes that come from the hub. */
  downloadedBytes: 20e6,
} as const;

/** Seconds until a worker that runs models has loaded what it needs: process, libraries. */
const START = 1.5;

/** Seconds until a model's graphs are built and opened, however small it is. */
const OPENING = 0.3;

/** Bytes of weights that are read, laid out and compiled for in a second. */
const LOADED_PER_SECOND = 100e6;

/** Bytes of weights that are written, digested and synced in a second. */
const WRITTEN_PER_SECOND = 150e6;

/** Seconds that loading and saving weights takes, and starting the worker. */
export function loadingSeconds(
  { models = 1, loadedBytes, writtenBytes = 0 }: {
    /** That are opened, one after the other or at once; one unless given. */
    readonly models?: number;
    /** Of all of them. */
    readonly loadedBytes: number;
    readonly writtenBytes?: number;
  },
): number {
  return START + OPENING * models + loadedBytes / LOADED_PER_SECOND +
    writtenBytes / WRITTEN_PER_SECOND;
}

/** The part of the published peak that products of a training step are taken to reach on a GPU. */
export const GPU_REACHED = 0.25;

/**
 * Operations a second of an H100 SXM without sparsity, as NVIDIA's data sheet states them; an H200 has
 * the same processor and more memory. float16 is as fast as bfloat16.
 */
export const GPU_PEAKS = { float32: 67e12, TF32: 494.7e12, bfloat16: 989.4e12 } as const;

/** What works, how fast it is assumed to be, and like what other work. */
export function speedOn(
  { device = "cpu", precision = "float32", tf32 = false }: {
    readonly device?: Device;
    readonly precision?: Precision;
    readonly tf32?: boolean;
  },
  like: string,
): Pick<Work, "on" | "perSecond" | "like"> {
  if (device === "cpu") return { perSecond: ASSUMED.operations, like };
  const products = precision !== "float32" ? "bfloat16" : tf32 ? "TF32" : "float32";
  return {
    on: "gpu",
    perSecond: GPU_REACHED * GPU_PEAKS[products],
    like: `${like} in ${products}`,
  };
}
