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

/**
 * A processor's instruction set, as it is recorded with results: `x86_64 avx avx2`.
 *
 * @param arch `x86_64` or `aarch64`
 * @param cpuinfo the text of `/proc/cpuinfo`, or the line of it that lists flags
 * @param model what stands in for flags where none are known
 */
export function instructionSet(arch: string, cpuinfo: string, model = ""): string {
  const line = /^(flags|Features)\s*:(.*)$/m.exec(cpuinfo);
  const flags = new Set(line?.[2].trim().split(/\s+/));
  const sets = TOLD_APART.filter((flag) => flags.has(flag));
  return [arch, ...(sets.length > 0 ? sets : [model])].join(" ").trim();
}
