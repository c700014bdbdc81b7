import assert from "node:assert/strict";
import { OnnxruntimeNode } from "../../../train/runtime/onnxruntime_node.ts";
import { testRuntime } from "./contract.ts";

testRuntime("OnnxruntimeNode", { open: (options) => new OnnxruntimeNode(options), halves: false });

Deno.test("OnnxruntimeNode says why it stands in for another", () => {
  const why = "onnxruntime-ffi cannot be used: no library for riscv64";
  const { description } = new OnnxruntimeNode({ threads: 1 }, why);
  assert.equal(description, `onnxruntime-node; ${why}`);
});
