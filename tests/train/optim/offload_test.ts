import assert from "node:assert/strict";
import { openRuntime } from "../../../train/runtime/open_runtime.ts";
import { HostAsDevice, type StepsOptions, twoSteps } from "../device_steps.ts";
import { JoinedRanks } from "../parallel/joined_ranks.ts";

/** Two steps on a device of its own; their weights, and the bytes that were ever placed there. */
async function onDevice(options: StepsOptions) {
  const runtime = new HostAsDevice(await openRuntime({ threads: 1 }));
  const { weights, gradient } = await twoSteps(runtime, options);
  return { weights, gradNorm: gradient.gradNorm, bytes: runtime.placedBytes };
}

for (const moments of ["float32", "bfloat16"] as const) {
  for (const adapted of [false, true]) {
    const what = `${adapted ? "an adapter" : "all weights"} with moments in ${moments}`;
    Deno.test(`moments in host memory change no bit of steps of ${what} on a device`, async () => {
      const options = { family: "llama", adapted, moments } as const;
      const placed = await onDevice(options);
      const offloaded = await onDevice({ ...options, offloadMoments: true });
      assert.deepEqual(offloaded.weights, placed.weights);
      assert.equal(offloaded.gradNorm, placed.gradNorm);
      // Side by side, tensors begin at multiples of 64 elements.
      const room = [...placed.weights.values()]
        .reduce((sum, { data }) => sum + 64 * Math.ceil(data.length / 64), 0);
      const bytes = 2 * (moments === "float32" ? 4 : 2) * room;
      assert.equal(placed.bytes - offloaded.bytes, bytes, "none of them is placed");
    });
  }

  Deno.test(`each of two processes offloads its part of moments in ${moments}, to the same bytes`, async () => {
    const host = await openRuntime({ threads: 1 });
    const together = async (offloadMoments: boolean) =>
      await new JoinedRanks(2).run((ranks) =>
        twoSteps(new HostAsDevice(host), {
          ...{ family: "llama", adapted: false, moments, offloadMoments, ranks },
        })
      );
    const [placed, offloaded] = [await together(false), await together(true)];
    offloaded.forEach(({ weights }, rank) => assert.deepEqual(weights, placed[rank].weights));
  });
}

Deno.test("a step that offloads moments goes on from a state as one that does not", async () => {
  const options = { family: "gemma", adapted: false } as const;
  const { weights } = await onDevice(options);
  for (const offloadMoments of [false, true]) {
    const resumed = await onDevice({ ...options, offloadMoments, reopens: true });
    assert.deepEqual(resumed.weights, weights);
  }
});

Deno.test("on the CPU, where moments are in host memory anyway, offloading them changes nothing", async () => {
  const runtime = await openRuntime({ threads: 1 });
  const options = { family: "qwen2", adapted: false } as const;
  const plain = await twoSteps(runtime, options);
  const offloaded = await twoSteps(runtime, { ...options, offloadMoments: true });
  assert.deepEqual(offloaded.weights, plain.weights);
});
