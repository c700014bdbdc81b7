import { z } from "zod";
import type { Resources } from "../pipeline/stage.ts";
import type { Precision } from "../train/precision.ts";
import type { Device } from "../train/runtime/runtime.ts";
import { modelFacts } from "./model_facts.ts";

const DEVICE = /^(cpu|cuda:\d+)$/;

/** Where a model is computed, and how exactly: parameters of stages that train or score. */
export const deviceParams = {
  device: z.custom<Device>(
    (value) => typeof value === "string" && DEVICE.test(value),
    "cpu or a GPU by its number, such as cuda:0",
  ).optional().describe("Where the model is computed; cpu unless given"),
  precision: z.enum(["float32", "bfloat16"]).optional().describe(
    "What layers are computed in, float32 unless given; weights that are trained stay float32",
  ),
  tf32: z.boolean().optional().describe(
    "Whether a GPU may round operands of float32 products to 10 bits, several times as fast",
  ),
};

/** What a stage needs that runs a model over cached tokens, on its device. */
export function modelResources(
  { threads, device = "cpu" }: { readonly threads: number; readonly device?: Device },
): Resources {
  return {
    cores: threads,
    native: ["onnxruntime", "duckdb"],
    ...(device === "cpu" ? {} : { gpus: 1 }),
  };
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
