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
const START = 3;

/** Bytes of weights that are read, laid out and compiled for in a second. */
const LOADED_PER_SECOND = 100e6;

/** Bytes of weights that are written, digested and synced in a second. */
const WRITTEN_PER_SECOND = 150e6;

/** Seconds that loading and saving weights takes, and starting the worker. */
export function loadingSeconds(
  { loadedBytes, writtenBytes = 0 }: {
    readonly loadedBytes: number;
    readonly writtenBytes?: number;
  },
): number {
  return START + loadedBytes / LOADED_PER_SECOND + writtenBytes / WRITTEN_PER_SECOND;
}
