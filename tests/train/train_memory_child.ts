/** Trains one step of a model whose activations outweigh its weights; prints its peak memory in bytes. */
import { Random } from "../../core/random.ts";
import { parseModelConfig } from "../../train/models/config.ts";
import { initializeModel } from "../../train/models/model.ts";
import { trainModel } from "../../train/trainer.ts";
import { tinyRun } from "./tiny_run.ts";

const config = parseModelConfig({
  model_type: "llama",
  vocab_size: 64,
  hidden_size: 64,
  intermediate_size: 512,
  num_hidden_layers: 16,
  num_attention_heads: 2,
}, "config.json");
const random = Random.seeded(1, "pairs");
const tokens = () => Int32Array.from({ length: 32 }, () => random.integer(config.vocabSize));
const pairs = Array.from({ length: 32 }, (_, i) => ({
  id: `pair:${i}`,
  prompt: tokens(),
  chosen: tokens(),
  rejected: tokens(),
}));
await trainModel(tinyRun({
  model: initializeModel(config, 1),
  pairs,
  batchPairs: pairs.length,
  schedule: { name: "constant", peak: 1e-3, steps: 1, warmupSteps: 0, minimum: 0 },
  gradientCheckpointing: Deno.args[0] === "checkpointing",
}));
// Deno hides /proc from programs without all permissions; `cat` sees it.
const { stdout } = await new Deno.Command("cat", { args: [`/proc/${Deno.pid}/status`] }).output();
const [, peak] = /VmHWM:\s+(\d+) kB/.exec(new TextDecoder().decode(stdout))!;
await Deno.stdout.write(new TextEncoder().encode(String(1024 * Number(peak))));
