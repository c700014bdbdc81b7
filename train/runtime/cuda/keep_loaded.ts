const RTLD_NOW = 2;

/**
 * Keeps a library of this process until the process is gone. Deno takes out what it loaded as a program
 * comes to its end; ONNX Runtime's CUDA provider stays, and calls ONNX Runtime once more after that.
 *
 * @param path of a library that is loaded already
 * @throws Error when the system does not know it
 */
export function keepLoaded(path: string): void {
  // Of newer glibc only its libc has the function, of older ones only this one.
  const { symbols } = Deno.dlopen("libdl.so.2", {
    dlopen: { parameters: ["buffer", "i32"], result: "pointer" },
  });
  if (symbols.dlopen(new TextEncoder().encode(`${path}\0`), RTLD_NOW) !== null) return;
  throw new Error(`${path} cannot be kept loaded.`);
}
