import assert from "node:assert/strict";
import { float32 } from "../../../../core/tensor.ts";
import { Graph } from "../../../../train/graph/graph.ts";
import { mul } from "../../../../train/graph/ops.ts";
import { toOnnx } from "../../../../train/graph/to_onnx.ts";
import type { CudaDevice } from "../../../../train/runtime/cuda/cuda_device.ts";
import { OutOfDeviceMemory } from "../../../../train/runtime/cuda/cudart.ts";
import { explainFailure } from "../../../../train/runtime/cuda/explain_failure.ts";
import { OnnxruntimeFfi } from "../../../../train/runtime/onnxruntime_ffi.ts";
import { loadLibrary, OnnxruntimeLibrary } from "../../../../train/runtime/onnxruntime_library.ts";
import { PlacedOnHost } from "../../../../train/runtime/placed_on_host.ts";
import { ignore, unless } from "../ffi_available.ts";

const NO_ROOM = "Failed to allocate memory for requested buffer of size 4096";
const READS = /^The GPU's memory is not enough\. In bfloat16 or float16 \(precision\) [^.]*\. \(/;
const TRAINS =
  /^The GPU's memory is not enough\. Fewer pairs a run \(microBatchPairs\), [^.]*\(precision\) need/;

const fail = (error: Error) => () => {
  throw error;
};

Deno.test("explainFailure() names what the stage at hand has: only what reading has, unless it trains", () => {
  for (const error of [new Error(NO_ROOM), new OutOfDeviceMemory("no 4096 bytes")]) {
    assert.throws(() => explainFailure(fail(error), {}), { name: "ExpectedError", message: READS });
    assert.throws(() => explainFailure(fail(error), { trains: true }), {
      name: "ExpectedError",
      message: TRAINS,
    });
  }
  const other = new Error("Invalid rank");
  assert.throws(() => explainFailure(fail(other), {}), (thrown) => thrown === other);
  assert.equal(explainFailure(() => 3, {}), 3);
});

/** What no status is: the address of none. */
const FULL = 1n;

/** ONNX Runtime on whose GPU no run has room. */
class FullLibrary extends OnnxruntimeLibrary {
  constructor({ api, version }: Pick<OnnxruntimeLibrary, "api" | "version">) {
    const aside = () => Promise.resolve(FULL);
    super(
      { ...api, Run: aside, RunWithBinding: () => FULL, RunWithBindingAside: aside },
      version,
    );
  }

  override check(status: bigint): void {
    if (status === FULL) throw new Error(NO_ROOM);
    super.check(status);
  }
}

async function opened({ trains, onGpu }: { readonly trains?: boolean; readonly onGpu: boolean }) {
  const loaded = loadLibrary();
  assert("library" in loaded);
  const library = new FullLibrary(loaded.library);
  const cuda = {
    append: () => {},
    zeros: fail(new OutOfDeviceMemory("no 4096 bytes")),
    place: fail(new OutOfDeviceMemory("no 4096 bytes")),
  } as unknown as CudaDevice;
  const options = { threads: 1, trains, onFallback: () => {} };
  const runtime = new OnnxruntimeFfi(options, library, onGpu ? cuda : undefined);
  const graph = new Graph({ dtype: "float32" });
  graph.output("y", mul(graph.input("x", "float32", []), 2));
  return { runtime, session: await runtime.session(toOnnx(graph)) };
}

const X = float32([], new Float32Array([1]));

for (const [trains, says] of [[true, TRAINS], [undefined, READS]] as const) {
  Deno.test({
    name: `a run ${trains ? "of training" : "that only reads"} says what helps a full GPU${unless}`,
    ignore,
    async fn() {
      const { runtime, session } = await opened({ trains, onGpu: true });
      using y = new PlacedOnHost(float32([], new Float32Array(1)));
      const prepared = session.prepare({ x: X }, { into: { y } });
      const blocking = session.prepare({ x: X }, { into: { y }, blocking: true });
      for (const run of [() => session.run({ x: X }), () => prepared.run(), () => blocking.run()]) {
        await assert.rejects(run, { name: "ExpectedError", message: says });
      }
      assert.throws(() => runtime.zeros("float32", [4]), { message: says });
      assert.throws(() => runtime.place(X), { message: says });
      await session.release();
    },
  });
}

Deno.test({
  name: `a processor without room is no GPU${unless}`,
  ignore,
  async fn() {
    const { session } = await opened({ onGpu: false });
    await assert.rejects(() => session.run({ x: X }), { name: "Error", message: NO_ROOM });
    await session.release();
  },
});
