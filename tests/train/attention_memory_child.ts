/** Trains a step of a narrow model on long sequences; prints its peak memory in bytes. */
import { Random } from "../../core/random.ts";
import { peakBytes } from "../../bench/peak_bytes.ts";
import { parseModelConfig } from "../../train/models/config.ts";
import { initializeModel } from "../../train/models/model.ts";
import { trainModel } from "../../train/trainer.ts";
import { tinyRun } from "./tiny_run.ts";

const [tokens, attentionBlock] = Deno.args.map(Number);
const config = parseModelConfig({
  model_type: "llama",
  vocab_size: 64,
  hidden_size: 32,
  intermediate_size: 64,
  num_hidden_layers: 4,
  num_attention_heads: 2,
  num_key_value_heads: 1,
}, "config.json");
const random = Random.seeded(1, "pairs");
const ids = () => Int32Array.from({ length: tokens }, () => random.integer(config.vocabSize));
await trainModel(tinyRun({
  model: initializeModel(config, 1),
  pairs: [{ id: "pair:0", prompt: ids(), chosen: ids(), rejected: ids() }],
  reference: [{
    id: "pair:0",
    chosenLogp: -1,
    rejectedLogp: -1,
    chosenTokens: tokens,
    rejectedTokens: tokens,
  }],
  batchPairs: 1,
  schedule: { name: "constant", peak: 1e-3, steps: 1, warmupSteps: 0, minimum: 0 },
  attentionBlock,
}));
await Deno.stdout.write(new TextEncoder().encode(String(await peakBytes())));
