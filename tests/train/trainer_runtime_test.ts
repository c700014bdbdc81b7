import assert from "node:assert/strict";
import { newAdapter } from "../../train/models/new_adapter.ts";
import { OutOfDeviceMemory } from "../../train/runtime/cuda/cudart.ts";
import { explainFailure } from "../../train/runtime/cuda/explain_failure.ts";
import { OnnxruntimeFfi } from "../../train/runtime/onnxruntime_ffi.ts";
import { trainModel } from "../../train/trainer.ts";
import { ignore, unless } from "./runtime/ffi_available.ts";
import { tinyModel, tinyRun } from "./tiny_run.ts";

const SFT = { loss: "sft", sft: "sum" } as const;

/** Does something with methods of the runtime replaced. */
async function withMethods(
  methods: Partial<Pick<OnnxruntimeFfi, "session" | "place">> & ThisType<OnnxruntimeFfi>,
  work: () => Promise<void>,
): Promise<void> {
  const { session, place } = OnnxruntimeFfi.prototype;
  Object.assign(OnnxruntimeFfi.prototype, methods);
  try {
    await work();
  } finally {
    Object.assign(OnnxruntimeFfi.prototype, { session, place });
  }
}

Deno.test({
  name:
    `on a full GPU trainModel() names what helps training, and its scorer what helps one${unless}`,
  ignore,
  async fn() {
    const full = {
      session(this: OnnxruntimeFfi) {
        return Promise.resolve().then(() =>
          explainFailure(() => {
            throw new OutOfDeviceMemory("no 4096 bytes");
          }, this.options)
        );
      },
    };
    await withMethods(full, async () => {
      await assert.rejects(trainModel(tinyRun({ loss: SFT })), {
        name: "ExpectedError",
        message: /^The GPU's memory is not enough\. Fewer pairs a run \(microBatchPairs\)/,
      });
      // Without rows of the reference its scorer is opened first.
      await assert.rejects(trainModel(tinyRun()), {
        name: "ExpectedError",
        message: /^The GPU's memory is not enough\. In bfloat16 or float16 \(precision\)/,
      });
    });
  },
});

Deno.test({
  name: `an adapter's model is placed once, also where rejected replies are scored beside${unless}`,
  ignore,
  async fn() {
    const { place } = OnnxruntimeFfi.prototype;
    let read = 0;
    const counted: Pick<OnnxruntimeFfi, "place"> & ThisType<OnnxruntimeFfi> = {
      place(tensor) {
        if (tensor.dtype === "bfloat16") read++;
        return place.call(this, tensor) as ReturnType<typeof place<typeof tensor.dtype>>;
      },
    };
    const adapter = newAdapter({ rank: 2 }, { model: tinyModel.config, seed: 1 });
    await withMethods(counted, async () => {
      await trainModel(tinyRun({ loss: SFT, adapter, precision: "bfloat16" }));
    });
    assert.equal(read, tinyModel.weights.size);
  },
});
