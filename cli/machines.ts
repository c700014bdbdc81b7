import type { Machine } from "../pipeline/feasibility.ts";
import { machineCapacity } from "./session.ts";

/** What the speeds of GPUs are counted in. */
export const GPU_UNIT = "operations";

/** The part of the published peak that products of a training step are taken to reach. */
const REACHED = 0.25;

/**
 * Operations a second of an H100 SXM without sparsity, as NVIDIA's data sheet states them; an H200 has
 * the same processor and more memory.
 */
const PEAKS = [
  { name: "float32", perSecond: 67e12 },
  { name: "TF32", perSecond: 494.7e12 },
  { name: "bfloat16", perSecond: 989.4e12 },
];

const speeds = PEAKS.map(({ name, perSecond }) => ({ name, perSecond: REACHED * perSecond }));

/** The GPUs that a plan is held to; their memory in 10⁹ bytes, as they are sold. */
export const GPUS: readonly Machine[] = [
  { name: "80 GB GPU", memoryBytes: 80e9, isOfOneProcess: true, speeds },
  { name: "141 GB GPU", memoryBytes: 141e9, isOfOneProcess: true, speeds },
];

/** What the figures for GPUs rest on, as a sentence. */
export const GPU_ASSUMPTION =
  "For GPUs, memory is that of each stage's own device and precision, and of one process where " +
  "there are several; time, on one GPU, takes " +
  `${
    100 * REACHED
  }% of an H100's published peak (float32 67, TF32 495, bfloat16 989 TFLOP/s): LoRA of a ` +
  "7B model reached 27% on an H200, a model of 135M weights 7% (docs/cuda.md).";

/** The machine that the command runs on; how fast it is says the plan itself. */
export function thisMachine(): Machine {
  const { cores, memory } = machineCapacity();
  const name = `this machine (${cores} ${cores === 1 ? "core" : "cores"})`;
  return { name, memoryBytes: memory * 2 ** 20, speeds: [] };
}
