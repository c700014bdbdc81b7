import assert from "node:assert/strict";
import { CheckpointFolder, type TrainingState } from "../../../train/checkpoint.ts";
import { openRuntime } from "../../../train/runtime/open_runtime.ts";
import { ScratchFolder } from "../../end_to_end/scratch_folder.ts";
import { HostAsDevice, type StepsOptions, twoSteps } from "../device_steps.ts";
import { JoinedRanks } from "../parallel/joined_ranks.ts";

/** Two steps on a device of its own; their state, and the bytes that were ever placed there. */
async function onDevice(options: StepsOptions) {
  const runtime = new HostAsDevice(await openRuntime({ threads: 1 }));
  const { state, gradient } = await twoSteps(runtime, options);
  return { state: state!, gradNorm: gradient.gradNorm, bytes: runtime.placedBytes };
}

/** The checkpoint's file of a state: its name, which has its digest. */
async function checkpointOf(state: TrainingState): Promise<string> {
  await using scratch = await ScratchFolder.make();
  await new CheckpointFolder(scratch.path, "run").save(state, []);
  const names = (await Array.fromAsync(Deno.readDir(scratch.path))).map(({ name }) => name);
  return names.find((name) => name.startsWith("step-"))!;
}

for (const moments of ["float32", "bfloat16"] as const) {
  for (const adapted of [false, true]) {
    const what = `${adapted ? "an adapter" : "all weights"} with moments in ${moments}`;
    Deno.test(`moments in host memory change no bit of steps of ${what} on a device`, async () => {
      const options = { family: "llama", adapted, moments } as const;
      const placed = await onDevice(options);
      const offloaded = await onDevice({ ...options, offloadMoments: true });
      assert.deepEqual(offloaded.state, placed.state);
      assert.equal(offloaded.gradNorm, placed.gradNorm);
      assert.equal(await checkpointOf(offloaded.state), await checkpointOf(placed.state));
      // Side by side, tensors begin at multiples of 64 elements.
      const room = [...placed.state.weights.values()]
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
    offloaded.forEach(({ weights, state }, rank) => {
      assert.deepEqual(weights, placed[rank].weights);
      assert.deepEqual(state, placed[rank].state);
    });
    assert.equal(offloaded[0].state!.secondMoments.size, offloaded[0].weights.size);
  });
}

Deno.test("a step that offloads moments goes on from a state as one that does not", async () => {
  const options = { family: "gemma", adapted: false } as const;
  const { state } = await onDevice(options);
  for (const offloadMoments of [false, true]) {
    const resumed = await onDevice({ ...options, offloadMoments, reopens: true });
    assert.deepEqual(resumed.state, state);
  }
});

Deno.test("on the CPU, where moments are in host memory anyway, offloading them changes nothing", async () => {
  const runtime = await openRuntime({ threads: 1 });
  const options = { family: "qwen2", adapted: false } as const;
  const plain = await twoSteps(runtime, options);
  const offloaded = await twoSteps(runtime, { ...options, offloadMoments: true });
  assert.deepEqual(offloaded.state, plain.state);
});
