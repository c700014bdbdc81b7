import assert from "node:assert/strict";
import type { Json } from "../../../core/json.ts";
import { InputError } from "../../../core/problem.ts";
import { parseModelConfig, requireWithinWindow } from "../../../train/models/config.ts";
import { formatModelConfig } from "../../../train/models/config_format.ts";
import { FAMILIES } from "../../../train/models/families.ts";

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

Deno.test("parseModelConfig() reads rope_theta in rope_parameters before the field of that name", () => {
  const theta = (fields: Record<string, Json>) =>
    parseModelConfig({ ...small, ...fields }, "c").ropeTheta;
  assert.equal(theta({ rope_theta: 5, rope_parameters: { rope_theta: 7 } }), 7);
  assert.equal(theta({ rope_theta: 5, rope_parameters: { rope_type: "default" } }), 5);
  assert.equal(theta({ rope_scaling: { type: "default", rope_theta: 9 }, rope_theta: 5 }), 9);
});

// What transformers 5.23's config classes give the fields of `small`, with as many heads as keys have.
const CLASS_DEFAULTS = {
  llama: [4, 16, false, 2048, null],
  mistral: [8, 8, false, 131072, 4096],
  qwen2: [32, 2, false, 32768, null],
  gemma: [16, 256, true, 8192, null],
} as const;

for (const family of FAMILIES) {
  const [keyValueHeads, headDim, tied, maxPositions, window] = CLASS_DEFAULTS[family];
  const least = { ...small, model_type: family, num_attention_heads: keyValueHeads };

  Deno.test(`parseModelConfig() fills in what ${family}'s config class would`, () => {
    const config = parseModelConfig(least, "c");
    assert.equal(config.keyValueHeads, keyValueHeads);
    assert.equal(config.headDim, headDim);
    assert.equal(config.tiedEmbeddings, tied);
    assert.equal(config.maxPositions, maxPositions);
    assert.equal(config.slidingWindow, window);
    assert.equal(config.ropeTheta, 10000);
    assert.equal(config.normEpsilon, 1e-6);
  });

  Deno.test(`formatModelConfig() of ${family} is read back as the same config`, () => {
    const tokens = { eos_token_id: [2, 5], bos_token_id: 1 };
    const raw = { ...least, ...tokens, tie_word_embeddings: !tied, head_dim: 6 };
    const config = parseModelConfig(raw, "c");
    assert.deepEqual(parseModelConfig(formatModelConfig(config), "c"), config);
  });
}

Deno.test("parseModelConfig() takes keys of null as one for each head, whatever the class's default", () => {
  const raw = { ...small, model_type: "mistral", num_key_value_heads: null };
  assert.equal(parseModelConfig(raw, "c").keyValueHeads, 4);
});

Deno.test("parseModelConfig() reads gemma's activation in every spelling of its tanh approximation", () => {
  const gemma = { ...small, model_type: "gemma", num_key_value_heads: 1 };
  for (const hidden_act of ["gelu", "gelu_pytorch_tanh"]) {
    for (const hidden_activation of [null, "gelu_pytorch_tanh"]) {
      assert.equal(
        parseModelConfig({ ...gemma, hidden_act, hidden_activation }, "c").family,
        "gemma",
      );
    }
  }
  assert.deepEqual(problemsOf({ ...gemma, hidden_act: "silu", hidden_activation: "gelu" }), [
    "2 problems:",
    'config.json: hidden_act: "silu" is not implemented; it would change results.',
    'config.json: hidden_activation: "gelu" is not implemented; it would change results.',
  ]);
});

Deno.test("parseModelConfig() reads a window where the family has one", () => {
  const few = { ...small, num_key_value_heads: 4 };
  const window = (fields: Record<string, Json>) => {
    const config = parseModelConfig({ ...few, ...fields }, "c");
    assert.deepEqual(parseModelConfig(formatModelConfig(config), "c"), config);
    return config.slidingWindow;
  };
  assert.equal(window({ model_type: "mistral", sliding_window: 64 }), 64);
  assert.equal(window({ model_type: "mistral", sliding_window: null }), null);
  const qwen2 = { model_type: "qwen2", sliding_window: 64 };
  assert.equal(window(qwen2), null);
  assert.equal(window({ ...qwen2, use_sliding_window: false }), null);
  // Its first 28 layers have none, unless the config says otherwise.
  assert.equal(window({ ...qwen2, use_sliding_window: true }), null);
  assert.equal(window({ ...qwen2, use_sliding_window: true, max_window_layers: 0 }), 64);
  const layer_types = Array(4).fill("sliding_attention");
  assert.equal(window({ ...qwen2, use_sliding_window: true, layer_types }), 64);
});

Deno.test("parseModelConfig() refuses a window in some layers only, and layers that are told apart", () => {
  const qwen2 = { ...small, model_type: "qwen2", num_key_value_heads: 4, sliding_window: 64 };
  assert.deepEqual(problemsOf({ ...qwen2, use_sliding_window: true, max_window_layers: 2 }), [
    "config.json: sliding_window: A window of 64 tokens in some layers only (max_window_layers, layer_types) is not implemented; it would change results.",
  ]);
  const layer_types = ["full_attention", "sliding_attention"];
  const rope_parameters = { full_attention: { rope_theta: 7 } };
  assert.deepEqual(problemsOf({ ...qwen2, layer_types, rope_parameters }), [
    "2 problems:",
    'config.json: layer_types: ["full_attention","sliding_attention"] is not implemented; it would change results.',
    'config.json: rope_parameters: {"full_attention":{"rope_theta":7}} is not implemented; it would change results.',
  ]);
});

Deno.test("requireWithinWindow() takes a sequence as long as the window and none longer", () => {
  requireWithinWindow({ slidingWindow: null }, 1e9);
  requireWithinWindow({ slidingWindow: 8 }, 8);
  assert.throws(() => requireWithinWindow({ slidingWindow: 8 }, 9), {
    name: "InputError",
    message:
      "sliding_window: Expected sequences of at most 8 tokens, the model's attention window, " +
      "but found one of 9: attention within a window is not implemented. Shorten prompts and replies " +
      "to it.",
  });
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

Deno.test("parseModelConfig() refuses more layers than any model has, before it lists one", () => {
  const qwen2 = { ...small, model_type: "qwen2", num_key_value_heads: 4, use_sliding_window: true };
  for (const layers of [1025, 2 ** 40, 1e300]) {
    for (const config of [small, { ...qwen2, max_window_layers: 0 }]) {
      assert.deepEqual(problemsOf({ ...config, num_hidden_layers: layers }), [
        `config.json: num_hidden_layers: Expected an integer from 1 to 1024 but found ${layers}.`,
      ]);
    }
  }
});

Deno.test("parseModelConfig() refuses heads that do not divide and odd head sizes", () => {
  assert.deepEqual(problemsOf({ ...small, num_key_value_heads: 3, head_dim: 15 }), [
    "2 problems:",
    "config.json: num_key_value_heads: Expected a divisor of num_attention_heads (4) but found 3.",
    "config.json: head_dim: Expected an even number but found 15.",
  ]);
});
