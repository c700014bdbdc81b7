import { cpus } from "node:os";
import { instructionSet } from "../pipeline/instruction_set.ts";
import type { Host } from "../pipeline/store/records.ts";

/** This machine, as it is recorded with results. */
export function thisHost(): Host {
  const isa = instructionSet(Deno.build.arch, processorText(), cpus()[0]?.model);
  return { isa, os: Deno.build.os, deno: Deno.version.deno };
}

/** Deno lets no program read /proc/cpuinfo without all permissions; `cat` may. */
function processorText(): string {
  if (Deno.build.os !== "linux") return "";
  try {
    const { stdout } = new Deno.Command("cat", { args: ["/proc/cpuinfo"], stderr: "null" })
      .outputSync();
    return new TextDecoder().decode(stdout);
  } catch {
    return "";
  }
}
