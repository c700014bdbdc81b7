import assert from "node:assert/strict";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { CheckpointFolder } from "../../train/checkpoint.ts";
import { trainModel } from "../../train/trainer.ts";
import { tinyRun } from "./tiny_run.ts";

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

Deno.test("trainModel() lets go of a checkpoint's moments once they are where it computes", async () => {
  const folder = await Deno.makeTempDir();
  const { open } = CheckpointFolder.prototype;
  try {
    // Kept in bfloat16, moments are copied from the checkpoint's float32, as they are to a GPU.
    const options = tinyRun({ moments: "bfloat16", checkpoints: { folder, everySteps: 4 } });
    const kill = ({ step }: { step: number }) => {
      if (step === 5) throw new Error("killed");
    };
    await assert.rejects(trainModel({ ...options, onStep: kill }), new Error("killed"));
    const read: WeakRef<ArrayBufferView>[] = [];
    CheckpointFolder.prototype.open = async function (...args) {
      const resumed = await open.apply(this, args);
      const { firstMoments, secondMoments } = resumed!.state;
      for (const { data } of [...firstMoments.values(), ...secondMoments.values()]) {
        read.push(new WeakRef(data));
      }
      return resumed;
    };
    let held = NaN;
    const onStep = ({ step }: { step: number }) => {
      if (step < 12) return;
      collectGarbage();
      held = read.filter((one) => one.deref() !== undefined).length;
    };
    await trainModel({ ...options, onStep });
    assert(read.length > 0);
    assert.equal(held, 0, `of ${read.length}`);
  } finally {
    CheckpointFolder.prototype.open = open;
    await Deno.remove(folder, { recursive: true });
  }
});
