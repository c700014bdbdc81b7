import { PROVIDER, requireInstalled } from "../../../train/runtime/cuda/cuda_installation.ts";

const FIELDS = [
  "used",
  "peak",
  "bytesToDevice",
  "copiesToDevice",
  "bytesToHost",
  "copiesToHost",
  "bytesOnDevice",
  "launches",
] as const;

/** What the stand-in has counted: bytes of device memory now and at most, of copies, and kernels. */
export type Counts = Readonly<Record<typeof FIELDS[number], number>>;

const { symbols } = Deno.dlopen(requireInstalled(PROVIDER.onnxruntime).libraries[0], {
  stand_in_counts: { parameters: ["buffer"], result: "void" },
  stand_in_restart: { parameters: [], result: "void" },
  stand_in_capability: { parameters: ["i32"], result: "void" },
  stand_in_memory: { parameters: ["u64"], result: "void" },
});

/** What has been counted since `restart`. */
export function counts(): Counts {
  const out = new BigUint64Array(FIELDS.length);
  symbols.stand_in_counts(out);
  return Object.fromEntries(FIELDS.map((field, i) => [field, Number(out[i])])) as Counts;
}

/** Counts from 0 again; what is allocated stays, and is the peak. */
export function restart(): void {
  symbols.stand_in_restart();
}

/** Gives the device so many bytes, also of those in use. */
export function setMemory(bytes: number): void {
  symbols.stand_in_memory(BigInt(bytes));
}

/** Gives the device a compute capability, by its major number; sessions ask for it as they open. */
export function setCapability(major: number): void {
  symbols.stand_in_capability(major);
}
