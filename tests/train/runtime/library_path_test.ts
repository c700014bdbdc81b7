import assert from "node:assert/strict";
import { libraryFile } from "../../../train/runtime/library_path.ts";

Deno.test("libraryFile() names the library of each platform that onnxruntime-node serves", () => {
  const cases = [
    ["linux", "x86_64", "bin/napi-v6/linux/x64/libonnxruntime.so.1"],
    ["linux", "aarch64", "bin/napi-v6/linux/arm64/libonnxruntime.so.1"],
    ["darwin", "aarch64", "bin/napi-v6/darwin/arm64/libonnxruntime.1.29.0.dylib"],
    ["windows", "x86_64", "bin/napi-v6/win32/x64/onnxruntime.dll"],
    ["freebsd", "x86_64", null],
    ["linux", "riscv64", null],
  ] as const;
  for (const [os, arch, file] of cases) assert.equal(libraryFile({ os, arch }), file);
});
