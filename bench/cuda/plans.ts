import { join } from "node:path";
import type { CudaJob } from "./cuda_job.ts";
import { SHAPES } from "./shapes.ts";
import { readProfiles } from "./read_profiles.ts";
import { readTests } from "./read_tests.ts";

/** A part of a sitting: a command with a time limit. */
export interface SittingPart {
  readonly name: string;
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Seconds after which it is stopped. */
  readonly seconds: number;
  /** Seconds without which it is not begun. */
  readonly least: number;
  /** What its output says; the line after `RESULT ` unless given. */
  readonly read?: (text: string) => unknown;
}

/** Where a sitting takes place. */
export interface Place {
  readonly device: "cpu" | "cuda:0";
  /** The folder that holds the provider's files. */
  readonly provider?: string;
  /** Python with PyTorch, transformers and PEFT. */
  readonly python: string;
  readonly out: string;
}

const DENO = [
  Deno.execPath(),
  "run",
  "--no-check",
  "--cached-only",
  "--no-prompt",
  "--allow-read",
  "--allow-write",
  "--allow-run",
  "--allow-env",
  "--allow-sys",
  "--allow-ffi",
];

/** The parts of a plan, in order. */
export function planOf(plan: string, place: Place): SittingPart[] {
  const all = [...preparation(place), ...measurements(place)];
  const names = PLANS[plan];
  if (names === undefined) throw new RangeError(`No plan is named ${plan}.`);
  return names.map((name) => {
    const part = all.find((one) => one.name === name);
    if (part === undefined) throw new RangeError(`No part is named ${name}.`);
    return part;
  });
}

const PLANS: Readonly<Record<string, readonly string[]>> = {
  first: [
    "machine",
    "setup",
    "ballast 135m float32, 1 step",
    "tests",
    "ballast 135m bfloat16",
    "torch 135m bfloat16 autocast",
    "ballast 135m tf32",
    "ballast 135m bfloat16, profile",
    "torch 135m bfloat16 pure",
    "ballast 135m float32",
    "torch 135m tf32",
    "torch 135m bfloat16 compiled",
  ],
  second: [
    "machine",
    "setup",
    "ballast 7b lora",
    "torch 7b lora",
    "ballast 7b lora, checkpointed",
    "torch 7b lora, checkpointed",
    "ballast 135m bfloat16",
    "torch 135m bfloat16 autocast",
    "torch 135m bfloat16 compiled",
    "tests",
    "ballast 7b lora, profile",
  ],
  // What is compared twice goes first and last, and in turns; what may take longest is the last.
  final: [
    "machine",
    "setup",
    "tests",
    "ballast 135m bfloat16",
    "torch 135m bfloat16 autocast",
    "torch 135m bfloat16 pure",
    "ballast 135m bfloat16, again",
    "torch 135m bfloat16 autocast, again",
    "torch 135m bfloat16 pure, again",
    "ballast 135m bfloat16, profile",
    "ballast 7b lora",
    "torch 7b lora",
    "ballast 7b lora, checkpointed",
    "torch 7b lora, checkpointed",
    "ballast 7b lora, profile",
    "ballast 135m tf32",
    "torch 135m bfloat16 compiled",
  ],
  // Attention of plain ops and in one kernel, in turns.
  attention: [
    "machine",
    "setup",
    "tests",
    ...["", ", again"].flatMap((again) =>
      ["", ", fused"].map((fused) => `ballast 135m bfloat16${fused}${again}`)
    ),
    ...["135m bfloat16, long", "7b lora", "7b lora, checkpointed"].flatMap((what) =>
      ["", ", fused"].map((fused) => `ballast ${what}${fused}`)
    ),
  ],
};

function preparation({ device, provider, out }: Place): SittingPart[] {
  const from = provider === undefined ? [] : ["--from", provider];
  const tests = device === "cpu" ? ["tests/cuda", "tests/train/runtime"] : ["tests/cuda"];
  return [
    {
      name: "machine",
      command: [
        "bash",
        "-c",
        "nvidia-smi; nvidia-smi --query-gpu=name,memory.total,driver_version --format=csv; " +
        "ldconfig -p | grep -E 'libcud(a|art)|libcublas|libcudnn'; nproc; free -g; uname -r; " +
        "python3 -m pip list 2>/dev/null | grep -iE '^(torch|transformers|peft|nvidia|triton)'; true",
      ],
      seconds: 25,
      least: 1,
      read: (text) => text.slice(0, 8000),
    },
    {
      name: "setup",
      command: device === "cpu" && provider === undefined
        ? ["true"]
        : [...DENO, "tools/cuda/setup.ts", ...from],
      seconds: 40,
      least: 1,
    },
    {
      name: "tests",
      command: [
        Deno.execPath(),
        "test",
        "--parallel",
        ...DENO.slice(2),
        ...tests,
      ],
      env: { DENO_JOBS: "4" },
      seconds: 90,
      least: 20,
      read: (text) => readTests(text, join(out, "tests.txt")),
    },
  ];
}

function measurements({ device, out, python }: Place): SittingPart[] {
  const rehearsal = device === "cpu";
  const base: CudaJob = {
    shape: rehearsal ? "small" : "smollm2-135m",
    batchPairs: rehearsal ? 2 : 8,
    promptTokens: rehearsal ? 8 : 256,
    replyTokens: rehearsal ? 8 : 256,
    warmupSteps: 3,
    steps: 12,
    device,
    precision: "float32",
    tf32: false,
    lora: null,
    gradientCheckpointing: false,
    compile: false,
  };
  const bfloat16 = { ...base, precision: "bfloat16" } as const;
  const profile = join(out, "profile");
  const adapter: CudaJob = {
    ...bfloat16,
    ...(rehearsal ? {} : { shape: "mistral-7b", promptTokens: 512, replyTokens: 512 }),
    batchPairs: rehearsal ? 2 : 4,
    lora: 16,
    warmupSteps: 2,
    steps: 6,
    tokensPerRun: 1536,
  };
  const long = { ...bfloat16, ...(rehearsal ? {} : { promptTokens: 1024, replyTokens: 1024 }) };
  const checkpointed = { ...adapter, gradientCheckpointing: true, tokensPerRun: 8192 };
  const torch = (name: string, job: CudaJob & { readonly pure?: boolean }, seconds: number) =>
    torchPart({ python, name, seconds }, job);
  return [
    ballast("ballast 135m float32, 1 step", { ...base, warmupSteps: 1, steps: 1 }, 40),
    ballast("ballast 135m float32", base, 40),
    ballast("ballast 135m tf32", { ...base, tf32: true }, 40),
    {
      ...ballast("ballast 135m bfloat16, profile", { ...bfloat16, steps: 4, profile }, 45),
      // Each node waits for its kernels, so that what it takes is what they take.
      env: { CUDA_LAUNCH_BLOCKING: "1" },
      read: () => readProfiles(out, "profile"),
    },
    ...["", ", again"].flatMap((again) => [
      ballast(`ballast 135m bfloat16${again}`, bfloat16, 40),
      ballast(`ballast 135m bfloat16, fused${again}`, fused(bfloat16), 40),
      torch(`torch 135m bfloat16 autocast${again}`, bfloat16, 40),
      torch(`torch 135m bfloat16 pure${again}`, { ...bfloat16, pure: true }, 40),
    ]),
    torch("torch 135m tf32", { ...base, tf32: true }, 40),
    ballast("ballast 135m bfloat16, long", { ...long, batchPairs: 2 }, 60),
    ballast("ballast 135m bfloat16, long, fused", fused({ ...long, batchPairs: 2 }), 60),
    ballast("ballast 7b lora", adapter, 75),
    ballast("ballast 7b lora, fused", fused(adapter), 75),
    ballast("ballast 7b lora, checkpointed", checkpointed, 75),
    ballast("ballast 7b lora, checkpointed, fused", fused(checkpointed), 75),
    {
      ...ballast("ballast 7b lora, profile", { ...adapter, steps: 1, profile }, 75),
      env: { CUDA_LAUNCH_BLOCKING: "1" },
      read: () => readProfiles(out, "profile"),
    },
    torch("torch 7b lora", adapter, 75),
    torch("torch 7b lora, checkpointed", checkpointed, 75),
    {
      ...torch("torch 135m bfloat16 compiled", { ...bfloat16, compile: true }, 130),
      least: 90,
    },
  ];
}

function fused(job: CudaJob): CudaJob {
  return { ...job, fusedAttention: true };
}

function ballast(name: string, job: CudaJob, seconds: number): SittingPart {
  const command = [...DENO, "bench/cuda/ballast_worker.ts", JSON.stringify(job)];
  return { name, command, seconds, least: 15 };
}

function torchPart(
  { python, name, seconds }: {
    readonly python: string;
    readonly name: string;
    readonly seconds: number;
  },
  job: CudaJob & { readonly pure?: boolean },
): SittingPart {
  const worker = "bench/peers/torch_cuda_worker.py";
  const command = [python, worker, JSON.stringify(job), JSON.stringify(SHAPES)];
  return { name, command, seconds, least: 15, env: { HF_HUB_OFFLINE: "1" } };
}
