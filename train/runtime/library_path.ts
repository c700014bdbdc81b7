import { fileURLToPath } from "node:url";

const FOLDERS: Readonly<Record<string, string>> = {
  linux: "linux",
  darwin: "darwin",
  windows: "win32",
};
const FILES: Readonly<Record<string, string>> = {
  linux: "libonnxruntime.so.1",
  darwin: "libonnxruntime.1.29.0.dylib",
  windows: "onnxruntime.dll",
};
const ARCHITECTURES: Readonly<Record<string, string>> = { x86_64: "x64", aarch64: "arm64" };

/** A platform, as `Deno.build` names it. */
export interface Platform {
  readonly os: string;
  readonly arch: string;
}

/**
 * Where onnxruntime-node keeps the library, from its package's folder; `null` when it brings none for
 * the platform.
 */
export function libraryFile({ os, arch }: Platform): string | null {
  if (FILES[os] === undefined || ARCHITECTURES[arch] === undefined) return null;
  return `bin/napi-v6/${FOLDERS[os]}/${ARCHITECTURES[arch]}/${FILES[os]}`;
}

/** The path of the library that onnxruntime-node brings for this platform, or `null`. */
export function libraryPath(platform: Platform = Deno.build): string | null {
  const file = libraryFile(platform);
  if (file === null) return null;
  return fileURLToPath(new URL(`../${file}`, import.meta.resolve("onnxruntime-node")));
}
