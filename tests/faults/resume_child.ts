/** Trains a tiny model into a folder of checkpoints; says each step, at the end a digest of the weights. */
import { StreamingDigest } from "../../core/digest.ts";
import { trainModel } from "../../train/trainer.ts";
import { tinyRun } from "../train/tiny_run.ts";

const [folder, steps] = Deno.args;

function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

const schedule = { name: "cosine", peak: 0.01, steps: Number(steps), warmupSteps: 2, minimum: 0 };
const { model } = await trainModel(tinyRun({
  schedule: schedule as { name: "cosine" } & typeof schedule,
  checkpoints: { folder, everySteps: 3 },
  onStep: ({ step }) => say(`step ${step}`),
}));
const digest = new StreamingDigest();
for (const { data } of model.weights.values()) {
  digest.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}
say(`digest ${digest.hex()}`);
