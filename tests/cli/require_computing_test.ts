import assert from "node:assert/strict";
import { requireComputing } from "../../cli/require_computing.ts";
import { float32 } from "../../core/tensor.ts";
import { openRuntime } from "../../train/runtime/open_runtime.ts";
import { HostAsDevice } from "../train/device_steps.ts";

/** A device that takes all and computes nothing. */
class IdleDevice extends HostAsDevice {
  released = 0;

  override async session(model: Uint8Array) {
    const session = await super.session(model);
    return {
      ...{ inputs: session.inputs, outputs: session.outputs, prepare: session.prepare },
      run: () => Promise.resolve({ y: float32([2, 2], new Float32Array(4)) }),
      release: async () => {
        this.released++;
        await session.release();
      },
    };
  }
}

/** A device whose library does not load, which ONNX Runtime finds as it opens a session. */
class NoDevice extends HostAsDevice {
  override session(): Promise<never> {
    return Promise.reject(new Error("Failed to load library libonnxruntime_providers_cuda.so"));
  }
}

Deno.test("requireComputing() is content with a processor, and with a device's graph and memory", async () => {
  const host = await openRuntime({ threads: 1 });
  await requireComputing(host);
  const device = new HostAsDevice(host);
  await requireComputing(device);
  assert.equal(device.placedBytes, 4 * (4 + 4 + 2));
});

Deno.test("requireComputing() refuses what computes nothing, and what opens no session", async () => {
  const host = await openRuntime({ threads: 1 });
  const idle = new IdleDevice(host);
  await assert.rejects(requireComputing(idle), {
    message:
      /^Expected a small session to give 0\.119\d*, 0\.880\d*, twice, but found 0, 0, 0, 0\.$/,
  });
  assert.equal(idle.released, 1);
  await assert.rejects(requireComputing(new NoDevice(host)), /Failed to load library libonnx/);
});
