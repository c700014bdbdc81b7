import { z } from "../core/zod.ts";
import { defineStage } from "../pipeline/stage.ts";
import { DIRECTED_METRICS } from "../eval/metrics.ts";

const params = z.strictObject({
  metric: z.enum(DIRECTED_METRICS).describe("The metric of the curve that decides"),
});

export default defineStage<z.infer<typeof params>>({
  name: "select",
  describe: "Take the snapshot that validation prefers: early stopping",
  params,
  inputs: {
    snapshots: { type: "snapshots" },
    curve: { type: "curve", describe: "The same run on validation prompts" },
    tokenizer: { type: "tokenizer", describe: "Copied into the model's folder" },
  },
  outputs: { model: { type: "model" } },
  resources: () => ({ cores: 1, memory: 500 }),
  estimateSeconds: () => 1,
  module: import.meta.url,
  async run({ params, input, output, log }) {
    const { readCurve } = await import("../eval/curve.ts");
    const { selectSnapshot } = await import("../eval/select_snapshot.ts");
    const { snapshotName } = await import("../train/snapshots.ts");
    const { saveTokenizerFiles } = await import("../data/tokenizer/tokenizer_files.ts");
    const { loadModel, saveModel } = await import("../train/models/model.ts");
    const { step, value } = selectSnapshot(await readCurve(input("curve").path), params.metric);
    const model = await loadModel(`${input("snapshots").path}/${snapshotName(step)}`);
    await saveModel(model, output("model"));
    await saveTokenizerFiles(input("tokenizer").path, output("model"));
    log(`step ${step}: validation ${params.metric} ${value.toFixed(3)}`);
  },
});
