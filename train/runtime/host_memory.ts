/** Where glibc begins; setting it by hand stops it from growing. */
const LARGE_BYTES = 128 << 10;
/** Parameters of glibc's mallopt(), over what GLIBC_TUNABLES says: workers start with the opposite. */
const SETTINGS = {
  trimThreshold: [-1, LARGE_BYTES],
  mmapThreshold: [-3, LARGE_BYTES],
  mmapMax: [-4, 1 << 16],
} as const;

/**
 * From now on the memory of a large tensor goes back to the system as soon as it is freed, which
 * costs time for asking anew. Otherwise glibc keeps it, and often in vain: ONNX Runtime wants its
 * memory aligned, and a freed block of just the size of the next tensor is not taken for that. What
 * was freed then adds up until the process holds several times what its tensors need.
 *
 * Does nothing but on Linux with glibc and under a permission for every library.
 *
 * @returns whether it is so
 */
export function returnFreedMemory(): boolean {
  if (Deno.build.os !== "linux") return false;
  try {
    const { symbols } = Deno.dlopen("libc.so.6", {
      mallopt: { parameters: ["i32", "i32"], result: "i32" },
    });
    return Object.values(SETTINGS).every(([name, value]) => symbols.mallopt(name, value) === 1);
  } catch {
    return false; // another C library, or no permission
  }
}
