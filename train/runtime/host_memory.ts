/** Where glibc begins; setting it by hand stops it from growing. */
const LARGE_BYTES = 128 << 10;

/** The most that glibc can be set to: tensors as large are mapped by themselves. */
export const LARGEST_BYTES = 32 << 20;

/** Parameters of glibc's mallopt(), over what GLIBC_TUNABLES says: workers start with the opposite. */
const [TRIM_THRESHOLD, MMAP_THRESHOLD, MMAP_MAX] = [-1, -3, -4];

/** From what size on freed memory goes back to the system; glibc keeps all of it where workers start. */
let returnedFrom = Infinity;

/**
 * From now on the memory of a large tensor goes back to the system as soon as it is freed, which
 * costs time for asking anew. Otherwise glibc keeps it, and often in vain: ONNX Runtime wants its
 * memory aligned, and a freed block of just the size of the next tensor is not taken for that. What
 * was freed then adds up until the process holds several times what its tensors need.
 *
 * Once smaller ones go back, it stays so. Does nothing but on Linux with glibc and under a permission for
 * every library.
 *
 * @param tensors which go back: large ones, from 128 KiB on, or the largest alone, such as logits, from
 * 32 MiB on, which costs next to nothing
 * @returns whether it is so
 */
export function returnFreedMemory(tensors: "large" | "largest" = "large"): boolean {
  const bytes = tensors === "large" ? LARGE_BYTES : LARGEST_BYTES;
  if (returnedFrom <= bytes) return true;
  if (Deno.build.os !== "linux") return false;
  try {
    const { symbols } = Deno.dlopen("libc.so.6", {
      mallopt: { parameters: ["i32", "i32"], result: "i32" },
    });
    const settings = [
      [MMAP_THRESHOLD, bytes],
      [MMAP_MAX, 1 << 16],
      ...tensors === "large" ? [[TRIM_THRESHOLD, LARGE_BYTES]] : [],
    ];
    const isSet = settings.every(([name, value]) => symbols.mallopt(name, value) === 1);
    if (isSet) returnedFrom = bytes;
    return isSet;
  } catch {
    return false; // another C library, or no permission
  }
}
