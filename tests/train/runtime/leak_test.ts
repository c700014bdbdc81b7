import assert from "node:assert/strict";
import { float32 } from "../../../core/tensor.ts";
import { Graph } from "../../../train/graph/graph.ts";
import { add, gemm, mul, reduceSum } from "../../../train/graph/ops.ts";
import { toOnnx } from "../../../train/graph/to_onnx.ts";
import { liveHandles } from "../../../train/runtime/handles.ts";
import { openRuntime } from "../../../train/runtime/open_runtime.ts";
import { ignore, unless } from "./ffi_available.ts";

const open = () => openRuntime({ threads: 1, implementation: "ffi" });
const vector = (...values: number[]) => float32([values.length], Float32Array.from(values));

/** next = state + x, total = Σ next. */
function model(): Uint8Array {
  const graph = new Graph({ dtype: "float32" });
  const next = add(
    graph.input("state", "float32", ["N"]),
    mul(graph.input("x", "float32", ["N"]), 1),
  );
  graph.output("next", next);
  graph.output("total", reduceSum(next));
  return toOnnx(graph);
}

Deno.test({
  name: `onnxruntime-ffi gives every handle back over 1,000 runs of all kinds${unless}`,
  ignore,
  async fn() {
    const runtime = await open();
    const before = liveHandles();
    const memory: number[] = [];
    // Large, and the same from run to run: whatever is not given back soon outweighs the heap's own.
    const size = 100_000;
    const [x, values] = [1, 2].map((value) => float32([size], new Float32Array(size).fill(value)));
    for (let round = 0; round < 20; round++) {
      const session = await runtime.session(model());
      for (let i = 0; i < 50; i++) {
        const state = runtime.place(values);
        const total = float32([], new Float32Array(1));
        const into = { next: state, total };
        const feeds = { x, state };
        if (i % 3 === 0) await session.run(feeds, { into, inPlace: ["next"] });
        else if (i % 3 === 1) {
          using prepared = session.prepare(feeds, { into, inPlace: ["next"] });
          await prepared.run();
          await prepared.run();
        } else await assert.rejects(session.run({ ...feeds, x: vector(1, 2, 3) }));
        state.release();
      }
      await session.release();
      await assert.rejects(runtime.session(Uint8Array.of(1, 2, 3)));
      memory.push(Deno.memoryUsage().rss);
    }
    assert.deepEqual(liveHandles(), before);
    // The first rounds fill caches. 500 runs of 800 kB each follow, of which nothing may stay.
    assert(memory[19] - memory[9] < 150e6, `grew by ${memory[19] - memory[9]} bytes`);
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
    const session = await (await open()).session(toOnnx(graph));
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    const x = float32([size, size], new Float32Array(size * size));
    await session.run({ x });
    clearInterval(timer);
    await session.release();
    assert(turns > 3, `${turns} turns`);
  },
});
