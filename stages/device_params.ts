import { z } from "../core/zod.ts";
import type { Resources } from "../pipeline/stage.ts";
import type { Precision } from "../train/precision.ts";
import type { Device } from "../train/runtime/runtime.ts";
import { modelFacts } from "./model_facts.ts";

/** Three digits at most: no machine has a thousand GPUs, and longer ones are no exact numbers. */
const DEVICE = /^(cpu|cuda:(0|[1-9]\d{0,2}))$/;

/** An optional parameter of which the default, written out, is the same as left out, in keys too. */
export function withDefault<S extends z.ZodType>(schema: S, usual: z.output<S>) {
  return schema.optional().overwrite((value) => value === usual ? undefined : value);
}

/** Where a model is computed, and how exactly: parameters of stages that run one. */
export const deviceParams = {
  device: withDefault(
    z.custom<Device>(
      (value) => typeof value === "string" && DEVICE.test(value),
      "cpu or a GPU by its number from 0 to 999, such as cuda:0",
    ),
    "cpu",
  ).describe("Where the model is computed; cpu unless given"),
  precision: withDefault(z.enum(["float32", "bfloat16", "float16"]), "float32").describe(
    "What layers are computed in, float32 unless given",
  ),
  tf32: withDefault(z.boolean(), false).describe(
    "Whether a GPU may round operands of float32 products to 10 bits, several times as fast",
  ),
};

/** How attention is computed: a parameter of stages that read whole sequences. */
export const fusedAttentionParam = withDefault(z.boolean(), false).describe(
  "Whether a GPU computes attention in one kernel, and only its gradient block by block",
);

/** In how many processes a model is trained: a parameter of stages that train. */
export const processesParam = withDefault(z.int().min(1), 1).describe(
  "Processes that train together over MPI, each on a part of every batch; sums depend on their number",
);

/** What AdamW's moments are kept in, and where: parameters of stages that train. */
export const momentsParams = {
  moments: withDefault(z.enum(["float32", "bfloat16"]), "float32").describe(
    "What AdamW's two moments are kept in, float32 unless given; the second is rounded at random",
  ),
  offloadMoments: withDefault(z.boolean(), false).describe(
    "Keep AdamW's moments in host memory and pass them through the GPU at each update: slower, with " +
      "room for larger models",
  ),
};

/**
 * Parameters as they enter the key: on which of several like GPUs, and with moments in whose memory, a model
 * is computed changes no bit, so that a stage that had no room for them goes on from its checkpoints.
 */
function deviceKeyParams<
  P extends { readonly device?: Device; readonly offloadMoments?: boolean },
>(params: P): P {
  const { offloadMoments: _, ...keyed } = params;
  const { device = "cpu" } = params;
  return { ...keyed, ...(device === "cpu" ? {} : { device: "cuda:0" }) } as P;
}

/** What `refine` is given, so that moments are offloaded, if at all, from a GPU. */
export const offloadsFromGpu = onGpuAlone(
  "offloadMoments",
  "a CPU's moments are in host memory anyway",
);

/** What `refine` is given, so that TF32 is asked, if at all, of a GPU. */
export const tf32OfGpu = onGpuAlone("tf32", "a CPU computes float32 as it is");

/** The same of fused attention. */
export const fusedOnGpu = onGpuAlone(
  "fusedAttention",
  "a CPU's kernel of attention holds all scores at once",
);

function onGpuAlone<K extends string>(name: K, why: string) {
  const holds = (
    { device = "cpu", [name]: asked }:
      & { readonly device?: Device }
      & { readonly [N in K]?: boolean },
  ): boolean => device !== "cpu" || !asked;
  const message = `false unless device is a GPU, such as cuda:0 (${why})`;
  const path: string[] = [name];
  return [holds, { message, path }] as const;
}

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
  { threads, device, precision, tf32, fusedAttention }: {
    readonly threads: number;
    readonly device?: Device;
    readonly precision?: Precision;
    readonly tf32?: boolean;
    readonly fusedAttention?: boolean;
  },
) {
  return { threads, device, precision, tf32, fusedAttention };
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

/** What stages have in common that run a model where `deviceParams` say. */
export const ON_DEVICE = {
  resources: modelResources,
  keyParams: deviceKeyParams,
  facts: deviceFacts,
};
