import assert from "node:assert/strict";
import type { Json } from "../../../core/json.ts";
import { InputError } from "../../../core/problem.ts";
import { parseModelConfig, requireWithinWindow } from "../../../train/models/config.ts";
import { formatModelConfig } from "../../../train/models/config_format.ts";

const small: Record<string, Json> = {
  model_type: "llama",
  vocab_size: 70,
  hidden_size: 64,
  intermediate_size: 256,
  num_hidden_layers: 4,
  num_attention_heads: 4,
};

function problemsOf(raw: Json): string[] {
  try {
    parseModelConfig(raw, "config.json");
  } catch (error) {
    assert(error instanceof InputError);
    return error.message.split("\n").map((line) => line.trim());
  }
  return [];
}

Deno.test("parseModelConfig() fills in what llama leaves to defaults", () => {
  const config = parseModelConfig(small, "config.json");
  assert.equal(config.keyValueHeads, 4);
  assert.equal(config.headDim, 16);
  assert.equal(config.ropeTheta, 10000);
  assert.equal(config.tiedEmbeddings, false);
  assert.deepEqual(config.eosTokenIds, []);
});

Deno.test("parseModelConfig() reads both spellings of the rotary base", () => {
  const old = parseModelConfig({ ...small, rope_theta: 500000, rope_scaling: null }, "c");
  const parameters = { rope_theta: 500000, rope_type: "default" };
  assert.deepEqual(parseModelConfig({ ...small, rope_parameters: parameters }, "c"), old);
  assert.equal(old.ropeTheta, 500000);
});

Deno.test("parseModelConfig() takes one end token or several", () => {
  assert.deepEqual(parseModelConfig({ ...small, eos_token_id: 2 }, "c").eosTokenIds, [2]);
  assert.deepEqual(parseModelConfig({ ...small, eos_token_id: [2, 5] }, "c").eosTokenIds, [2, 5]);
});

Deno.test("formatModelConfig() is read back as the same config", () => {
  const config = parseModelConfig(
    { ...small, eos_token_id: [2, 5], bos_token_id: 1, tie_word_embeddings: true, head_dim: 8 },
    "c",
  );
  assert.deepEqual(parseModelConfig(formatModelConfig(config), "c"), config);
});

Deno.test("parseModelConfig() refuses all that would change results, in one message", () => {
  const problems = problemsOf({
    ...small,
    model_type: "lama",
    hidden_act: "gelu",
    attention_bias: true,
    mlp_bias: true,
    sliding_window: 4096,
    rope_scaling: { rope_type: "llama3", factor: 8 },
    rope_parameters: { rope_type: "yarn" },
    quantization_config: { bits: 4 },
  });
  assert.deepEqual(problems, [
    "8 problems:",
    'config.json: model_type: Expected one of llama, mistral, qwen2, gemma but found "lama". Did you mean "llama"?',
    'config.json: hidden_act: "gelu" is not implemented; it would change results.',
    "config.json: attention_bias: true is not implemented; it would change results.",
    "config.json: mlp_bias: true is not implemented; it would change results.",
    'config.json: rope_scaling: {"rope_type":"llama3","factor":8} is not implemented; it would change results.',
    "config.json: sliding_window: 4096 is not implemented; it would change results.",
    'config.json: quantization_config: {"bits":4} is not implemented; it would change results.',
    'config.json: rope_parameters: {"rope_type":"yarn"} is not implemented; it would change results.',
  ]);
});

Deno.test("parseModelConfig() lists every field that is missing or wrong", () => {
  const { vocab_size: _, ...rest } = small;
  assert.deepEqual(
    problemsOf({ ...rest, vocabsize: 9, intermediate_size: -1, rms_norm_eps: "x" }),
    [
      "3 problems:",
      'config.json: vocab_size: Expected an integer greater than 0 but found null. Did you mean "vocabsize"?',
      "config.json: intermediate_size: Expected an integer greater than 0 but found -1.",
      'config.json: rms_norm_eps: Expected a number greater than 0 but found "x".',
    ],
  );
});

Deno.test("parseModelConfig() refuses heads that do not divide and odd head sizes", () => {
  assert.deepEqual(problemsOf({ ...small, num_key_value_heads: 3, head_dim: 15 }), [
    "2 problems:",
    "config.json: num_key_value_heads: Expected a divisor of num_attention_heads (4) but found 3.",
    "config.json: head_dim: Expected an even number but found 15.",
  ]);
});
