import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { float32 } from "../../../core/tensor.ts";
import { Graph } from "../../../train/graph/graph.ts";
import { gemm } from "../../../train/graph/ops.ts";
import { toOnnx } from "../../../train/graph/to_onnx.ts";
import { openRuntime } from "../../../train/runtime/open_runtime.ts";
import { ignore, unless } from "./ffi_available.ts";

Deno.test({
  name: `onnxruntime-ffi gives everything back over 1,000 runs in each way${unless}`,
  ignore,
  async fn() {
    const child = fileURLToPath(new URL("leak_child.ts", import.meta.url));
    const allow = ["--allow-read", "--allow-env", "--allow-ffi"];
    const { code, stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-prompt", "--frozen", "--no-check", ...allow, child],
      stderr: "inherit",
    }).output();
    assert.equal(code, 0);
    const { handles, memory } = JSON.parse(new TextDecoder().decode(stdout));
    assert.deepEqual(handles, {});
    // The first rounds fill caches. 500 runs in each way follow: if one way kept one tensor of 20 kB
    // a run, that were 10 MB more. Without a leak it is 1 to 3 MB, and was 5 on a busy machine.
    const grown = memory[19] - memory[9];
    assert(grown < 8e6, `grew by ${grown} bytes`);
  },
});

Deno.test({
  name: `onnxruntime-ffi lets the event loop turn while a run is under way${unless}`,
  ignore,
  async fn() {
    const size = 1024;
    const graph = new Graph({ dtype: "float32" });
    let product = graph.input("x", "float32", [size, size]);
    for (let i = 0; i < 4; i++) product = gemm(product, product);
    graph.output("y", product);
    const session = await (await openRuntime({ threads: 1, implementation: "ffi" })).session(
      toOnnx(graph),
    );
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    const x = float32([size, size], new Float32Array(size * size));
    await session.run({ x });
    clearInterval(timer);
    await session.release();
    assert(turns > 3, `${turns} turns`);
  },
});
