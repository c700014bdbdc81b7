import type { Feasibility, Machine, Params } from "../pipeline/feasibility.ts";
import { feasibilityOn } from "../pipeline/feasibility.ts";
import type { PlannedInstance } from "../pipeline/plan.ts";
import { GPU_PEAKS, GPU_REACHED } from "../stages/predictions/speeds.ts";
import { machineCapacity } from "./session.ts";

/** What the speeds of GPUs are counted in. */
export const GPU_UNIT = "operations";

const speeds = Object.entries(GPU_PEAKS)
  .map(([name, perSecond]) => ({ name, perSecond: GPU_REACHED * perSecond }));

/**
 * Bytes a second that each of several processes hands on: through host memory, with the sums in between,
 * nothing of it while a GPU computes. Assumed; no GPU has seen it.
 */
const EXCHANGED = 3e9;

const OFFLOADED = { offloadMoments: true };
const SMALL_RUNS = { gradientCheckpointing: true, microBatchPairs: 1 };
const HALF = { precision: "bfloat16" };
const ADAPTER = { ...HALF, lora: { rank: 16 } };

/**
 * What makes a stage smaller, from what changes its results least on. Moments that are offloaded change none,
 * and leave nothing for moments in bfloat16 to save.
 */
const CHANGES: readonly Params[] = [
  OFFLOADED,
  { microBatchPairs: 1 },
  { gradientCheckpointing: true },
  SMALL_RUNS,
  { ...OFFLOADED, ...SMALL_RUNS },
  HALF,
  { ...OFFLOADED, ...HALF, ...SMALL_RUNS },
  ADAPTER,
  { ...ADAPTER, ...SMALL_RUNS },
];

/** Some GPUs of one size, of which the first is called `cuda:0`; memory in 10⁹ bytes, as they are sold. */
function gpus(
  { count, gigabytes, like }: { count: number; gigabytes: number; like: string },
): Machine {
  return {
    name: `${count} × ${gigabytes} GB GPU (${like})`,
    memoryBytes: gigabytes * 1e9,
    gpus: count,
    params: { device: "cuda:0", processes: count },
    changes: CHANGES,
    speeds,
    ...(count > 1 ? { exchangedPerSecond: EXCHANGED } : {}),
  };
}

/** The GPUs that a plan is held to. */
export const GPUS: readonly Machine[] = [
  gpus({ count: 1, gigabytes: 141, like: "H200" }),
  gpus({ count: 1, gigabytes: 80, like: "H100" }),
  gpus({ count: 8, gigabytes: 80, like: "H100" }),
];

/** What the figures for GPUs rest on, a sentence each. */
export const GPU_ASSUMPTIONS: readonly string[] = [
  "For GPUs, memory is of each GPU, with device: cuda:0 and what else the recipe says; time is that of " +
  "computing alone, one stage after the other, without collect, generate, evaluate and curve.",
  `Taken is ${
    100 * GPU_REACHED
  }% of an H100's published peak (float32 67, TF32 495, bfloat16 989 ` +
  "TFLOP/s): LoRA of a 7B model reached 27% on an H200, a model of 135M weights 7% (docs/cuda.md).",
  "Training has a process for each GPU, whatever its processes are. Of 8 each holds all weights, " +
  "gradients and the activations of its eighth of a batch, and an eighth of AdamW's moments. Stages " +
  "without processes run on one GPU.",
  `Gradients and new weights are taken to pass between processes at ${
    EXCHANGED / 1e9
  } GB/s, through ` +
  "the host's memory, while no GPU computes: assumed, not measured. The host's own memory is not held " +
  "against anything.",
  "With offloadMoments the moments, 8 bytes a weight, are in the host's memory, and pass through a GPU " +
  "at every update: what that takes is in no time.",
];

/** Holds a plan to this machine and to GPUs. */
export function feasibilities(planned: readonly PlannedInstance[]): Promise<Feasibility[]> {
  const machines = [thisMachine(), ...GPUS];
  return Promise.all(machines.map((machine) => feasibilityOn(machine, planned, GPU_UNIT)));
}

/** The machine that the command runs on; how fast it is says the plan itself. */
function thisMachine(): Machine {
  const { cores, memory } = machineCapacity();
  const name = `this machine (${cores} ${cores === 1 ? "core" : "cores"})`;
  return { name, memoryBytes: memory * 2 ** 20, speeds: [] };
}
