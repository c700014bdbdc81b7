import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { InferenceSession } from "onnxruntime-node";
import { gradientGraph, type GradientGraphOptions } from "../../train/gradient_graph.ts";
import { liveNodes } from "../../train/graph/lower.ts";
import { toOnnx } from "../../train/graph/to_onnx.ts";
import { newAdapter } from "../../train/models/new_adapter.ts";
import { loadLibrary } from "../../train/runtime/onnxruntime_library.ts";
import { trainModel } from "../../train/trainer.ts";
import { FAMILIES } from "../../train/models/families.ts";
import { ScratchFolder } from "../end_to_end/scratch_folder.ts";
import { goldenModel, goldenPairs, relativeError } from "./golden.ts";
import { tinyModel, tinyRun } from "./tiny_run.ts";

const targets = ["q_proj", "down_proj"] as const;
const ADAPTERS = {
  "all weights": undefined,
  "an adapter": newAdapter({ rank: 2, alpha: 4, targets }, { model: tinyModel.config, seed: 1 }),
};

for (const [what, adapter] of Object.entries(ADAPTERS)) {
  Deno.test(`gradient checkpointing changes nothing in the training of ${what}`, async () => {
    const plain = await trainModel(tinyRun({ adapter }));
    const again = await trainModel(tinyRun({ adapter, gradientCheckpointing: true }));
    again.steps.forEach(({ loss, gradNorm }, i) => {
      assert(relativeError(loss, plain.steps[i].loss) < 1e-6, `step ${i + 1}: loss ${loss}`);
      assert(relativeError(gradNorm, plain.steps[i].gradNorm) < 1e-5, `step ${i + 1}: ${gradNorm}`);
    });
  });
}

for (const family of FAMILIES) {
  Deno.test(`gradient checkpointing changes nothing in the training of a ${family} model`, async () => {
    const schedule = {
      name: "constant",
      peak: 1e-3,
      steps: 2,
      warmupSteps: 0,
      minimum: 0,
    } as const;
    const run = { model: await goldenModel(family), pairs: goldenPairs().slice(0, 4), schedule };
    const plain = await trainModel(tinyRun(run));
    const again = await trainModel(tinyRun({ ...run, gradientCheckpointing: true }));
    again.steps.forEach(({ loss, gradNorm }, i) => {
      assert(relativeError(loss, plain.steps[i].loss) < 1e-6, `step ${i + 1}: loss ${loss}`);
      assert(relativeError(gradNorm, plain.steps[i].gradNorm) < 1e-5, `step ${i + 1}: ${gradNorm}`);
    });
  });
}

/** What a layer does on the way forward and nothing does on the way back, and how often. */
const OF_A_LAYER = { RmsNorm: 2, Attention: 2, GatedActivation: 1 } as const;

for (const family of FAMILIES) {
  Deno.test(`gradient checkpointing computes all layers of a ${family} model but the last one twice`, async () => {
    const { config } = await goldenModel(family);
    const countOf = (gradientCheckpointing: boolean, op: string) => {
      const loss = { loss: "dpo", beta: 0.1 } as const;
      const graph = gradientGraph({ config, loss, gradientCheckpointing });
      return liveNodes(graph).filter((node) => node.op === op).length;
    };
    for (const [op, count] of Object.entries(OF_A_LAYER)) {
      const last = op === "RmsNorm" ? 1 : 0; // before the logits
      assert.equal(countOf(false, op), count * config.layers + last, op);
      assert.equal(countOf(true, op), count * (2 * config.layers - 1) + last, op);
    }
  });
}

/** How many nodes of a type there are in a model as ONNX Runtime rewrote it. */
async function compiledCount(options: GradientGraphOptions, opType: string): Promise<number> {
  await using scratch = await ScratchFolder.make();
  const optimizedModelFilePath = join(scratch.path, "compiled.onnx");
  const session = await InferenceSession.create(toOnnx(gradientGraph(options)), {
    graphOptimizationLevel: "all",
    optimizedModelFilePath,
    logSeverityLevel: 4, // it warns that the file suits this machine only
  });
  await session.release();
  const text = new TextDecoder("latin1").decode(await Deno.readFile(optimizedModelFilePath));
  // Field 4 of a NodeProto: tag, length, text.
  return text.split(`\x22${String.fromCharCode(opType.length)}${opType}`).length - 1;
}

Deno.test("ONNX Runtime leaves in place what gradient checkpointing computes twice", async () => {
  const { config } = await goldenModel();
  const options = { config, loss: { loss: "dpo", beta: 0.1 } } as const;
  const norm = "SimplifiedLayerNormalization";
  assert.equal(await compiledCount(options, norm), 2 * config.layers + 1);
  const twice = { ...options, gradientCheckpointing: true };
  assert.equal(await compiledCount(twice, norm), 2 * (2 * config.layers - 1) + 1);
});

/** Peak resident memory of a process that takes a step, in bytes. */
async function peakMemory(how: "plain" | "checkpointing"): Promise<number> {
  const child = fileURLToPath(new URL("train_memory_child.ts", import.meta.url));
  const allow = ["--allow-read", "--allow-env", "--allow-run=cat", "--allow-ffi"];
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--frozen", "--no-check", ...allow, child, how],
    stderr: "inherit",
  }).output();
  assert.equal(code, 0);
  return Number(new TextDecoder().decode(stdout));
}

Deno.test({
  name: "gradient checkpointing takes less than 0.6 times the memory",
  // What it takes is read from Linux's /proc, and given back by glibc.
  ignore: Deno.build.os !== "linux" || "unavailable" in loadLibrary(),
  async fn() {
    const [plain, again] = [await peakMemory("plain"), await peakMemory("checkpointing")];
    // 0.27 where this was written, of which 110 MB are the process itself.
    assert(again < 0.6 * plain, `${again} bytes, ${(again / plain).toFixed(2)} of ${plain}`);
  },
});
