import { cpus } from "node:os";
import type { Host } from "../pipeline/store/records.ts";

/** Instruction sets that change which matrix kernels run, and so the last bits of results. */
const TOLD_APART = [
  "avx",
  "avx2",
  "avx512f",
  "avx512_vnni",
  "avx512_bf16",
  "amx_tile",
  "sve",
  "bf16",
];

/** This machine, as it is recorded with results. */
export function thisHost(): Host {
  const flags = processorFlags();
  const sets = TOLD_APART.filter((flag) => flags.has(flag));
  const isa = [Deno.build.arch, ...(sets.length > 0 ? sets : [cpus()[0]?.model ?? ""])].join(" ");
  return { isa: isa.trim(), os: Deno.build.os, deno: Deno.version.deno };
}

/** Deno lets no program read /proc/cpuinfo without all permissions; `cat` may. */
function processorFlags(): Set<string> {
  if (Deno.build.os !== "linux") return new Set();
  try {
    const { stdout } = new Deno.Command("cat", { args: ["/proc/cpuinfo"], stderr: "null" })
      .outputSync();
    const line = /^(flags|Features)\s*:(.*)$/m.exec(new TextDecoder().decode(stdout));
    return new Set(line?.[2].trim().split(/\s+/));
  } catch {
    return new Set();
  }
}
