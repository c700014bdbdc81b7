import { z } from "../core/zod.ts";
import type { Resources } from "../pipeline/stage.ts";
import type { Precision } from "../train/precision.ts";
import type { Device } from "../train/runtime/runtime.ts";
import { modelFacts } from "./model_facts.ts";

const DEVICE = /^(cpu|cuda:\d+)$/;

/** Where a model is computed, and how exactly: parameters of stages that run one. */
export const deviceParams = {
  device: z.custom<Device>(
    (value) => typeof value === "string" && DEVICE.test(value),
    "cpu or a GPU by its number, such as cuda:0",
  ).optional().describe("Where the model is computed; cpu unless given"),
  precision: z.enum(["float32", "bfloat16", "float16"]).optional().describe(
    "What layers are computed in, float32 unless given",
  ),
  tf32: z.boolean().optional().describe(
    "Whether a GPU may round operands of float32 products to 10 bits, several times as fast",
  ),
};

/**
 * In how many processes a model is trained: a parameter of stages that train. One that is asked for is
 * the same, in keys too, as none.
 */
export const processesParam = z.int().min(1).optional()
  .overwrite((processes) => processes === 1 ? undefined : processes)
  .describe(
    "Processes that train together over MPI, each on a part of every batch; sums depend on their number",
  );

/** Whether moments are offloaded, if at all, from a GPU; to be refined with `OFFLOADS_FROM_GPU`. */
export function offloadsFromGpu(
  { device = "cpu", offloadMoments = false }: {
    readonly device?: Device;
    readonly offloadMoments?: boolean;
  },
): boolean {
  return device !== "cpu" || !offloadMoments;
}

/** What is said where they are not. */
export const OFFLOADS_FROM_GPU = {
  message:
    "false unless device is a GPU, such as cuda:0 (a CPU's moments are in host memory anyway)",
  path: ["offloadMoments"],
};

/** Whether TF32 is asked, if at all, of a GPU; to be refined with `TF32_OF_GPU`. */
export function tf32OfGpu(
  { device = "cpu", tf32 = false }: { readonly device?: Device; readonly tf32?: boolean },
): boolean {
  return device !== "cpu" || !tf32;
}

/** What is said where it is not. */
export const TF32_OF_GPU = {
  message: "false unless device is a GPU, such as cuda:0 (a CPU computes float32 as it is)",
  path: ["tf32"],
};

/** What a stage needs that runs a model, on its device, and reads cached tokens. */
export function modelResources(
  { threads, processes = 1, device = "cpu" }: {
    /** Of each process. */
    readonly threads: number;
    readonly processes?: number;
    readonly device?: Device;
  },
): Resources {
  return {
    cores: threads * processes,
    native: ["onnxruntime", "duckdb"],
    ...(processes === 1 ? {} : { processes }),
    ...(device === "cpu" ? {} : { gpus: processes }),
  };
}

/** The GPU of one of several processes: each has its own, from the one that is named on. */
export function deviceOfRank(
  device: Device | undefined,
  { rank }: { readonly rank: number } = { rank: 0 },
): Device | undefined {
  if (device === undefined || device === "cpu") return device;
  return `cuda:${Number(device.slice("cuda:".length)) + rank}`;
}

/** Of a stage's parameters those that say how a model computes. */
export function computingOf(
  { threads, device, precision, tf32 }: {
    readonly threads: number;
    readonly device?: Device;
    readonly precision?: Precision;
    readonly tf32?: boolean;
  },
) {
  return { threads, device, precision, tf32 };
}

/** As `modelFacts`, of what `deviceParams` ask for. */
export function deviceFacts(
  { device = "cpu", precision = "float32", tf32 = false }: {
    readonly device?: Device;
    readonly precision?: Precision;
    readonly tf32?: boolean;
  },
): Record<string, string> {
  const onGpu = device !== "cpu";
  return {
    ...modelFacts(),
    provider: onGpu ? "cuda" : "cpu",
    dtype: onGpu && tf32 && precision === "float32" ? "tf32" : precision,
  };
}
