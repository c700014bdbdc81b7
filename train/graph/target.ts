import type { Dtype } from "../../core/tensor.ts";
import type { Device } from "../runtime/runtime.ts";

/** What a graph is lowered for: which kernels there are, and which are fast, differs. */
export const TARGETS = ["cpu", "cuda"] as const;

/** One of them. */
export type Target = typeof TARGETS[number];

/** What a device runs. */
export function targetOf(device: Device = "cpu"): Target {
  return device === "cpu" ? "cpu" : "cuda";
}

/** A floating type of 16 bits. */
export type Half = "bfloat16" | "float16";

/** Whether a type is a floating one of 16 bits. */
export function isHalf(dtype: Dtype): dtype is Half {
  return dtype === "bfloat16" || dtype === "float16";
}
