import assert from "node:assert/strict";
import { Graph } from "../../../train/graph/graph.ts";
import { mul } from "../../../train/graph/ops.ts";
import { toOnnx } from "../../../train/graph/to_onnx.ts";
import { liveHandles } from "../../../train/runtime/handles.ts";
import { OnnxruntimeFfi } from "../../../train/runtime/onnxruntime_ffi.ts";
import { loadLibrary, OnnxruntimeLibrary } from "../../../train/runtime/onnxruntime_library.ts";
import { openRuntime } from "../../../train/runtime/open_runtime.ts";
import { testRuntime } from "./contract.ts";
import { ignore, unless } from "./ffi_available.ts";

testRuntime(`OnnxruntimeFfi${unless}`, {
  open: (options) => openRuntime({ ...options, implementation: "ffi" }),
  halves: true,
  ignore,
});

Deno.test({
  name: `OnnxruntimeFfi gives a session back whose names it cannot read${unless}`,
  ignore,
  async fn() {
    const loaded = loadLibrary();
    assert("library" in loaded);
    const { api, version } = loaded.library;
    const library = new OnnxruntimeLibrary({
      ...api,
      SessionGetOutputName: (session, _, ...rest) => {
        assert.equal(liveHandles().Session, 1);
        return api.SessionGetOutputName(session, 9n, ...rest);
      },
    }, version);
    const graph = new Graph({ dtype: "float32" });
    graph.output("y", mul(graph.input("x", "float32", []), 2));
    const runtime = new OnnxruntimeFfi({ threads: 1 }, library);
    await assert.rejects(runtime.session(toOnnx(graph)), /out of range/);
    assert.deepEqual(liveHandles(), {});
  },
});
