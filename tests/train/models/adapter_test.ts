import assert from "node:assert/strict";
import type { Json } from "../../../core/json.ts";
import { parseAdapterConfig } from "../../../train/models/adapter_config.ts";
import { formatAdapterConfig } from "../../../train/models/adapter_config.ts";
import { newAdapter } from "../../../train/models/new_adapter.ts";
import { golden } from "../golden.ts";
import { tinyModel } from "../tiny_run.ts";

const model = tinyModel.config;

function peftConfig(changes: Record<string, Json> = {}): Json {
  return { ...golden<Record<string, Json>>("llama/lora_initial/adapter_config.json"), ...changes };
}

Deno.test("parseAdapterConfig() reads what PEFT wrote, and what formatAdapterConfig() writes", () => {
  const config = parseAdapterConfig(peftConfig(), "adapter_config.json");
  const targets = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"];
  assert.deepEqual(config, { rank: 4, alpha: 8, targets, dropout: 0 });
  assert.deepEqual(parseAdapterConfig(formatAdapterConfig(config), "again"), config);
});

Deno.test("parseAdapterConfig() refuses all that would change results, at once and by name", () => {
  const changes: Record<string, Json> = {
    use_dora: true,
    use_rslora: true,
    rank_pattern: { q_proj: 8 },
    alpha_pattern: { q_proj: 8 },
    modules_to_save: ["lm_head"],
    bias: "all",
    layers_to_transform: [0],
    lora_bias: true,
    fan_in_fan_out: true,
    init_lora_weights: "pissa",
    peft_type: "LOHA",
    a_field_of_tomorrow: 1,
  };
  assert.throws(() => parseAdapterConfig(peftConfig(changes), "c"), (error: Error) => {
    for (const [key, value] of Object.entries(changes)) {
      const expected = `c: ${key}: ${JSON.stringify(value)} is not implemented`;
      assert(error.message.includes(expected), expected);
    }
    return true;
  });
});

Deno.test("parseAdapterConfig() names every field that is wrong", () => {
  const raw = { r: 0, lora_alpha: "8", lora_dropout: 1, target_modules: ["q_porj"] };
  assert.throws(() => parseAdapterConfig(raw, "c"), {
    name: "InputError",
    message: [
      "5 problems:",
      "  c: peft_type: The field is missing.",
      "  c: r: Expected an integer greater than 0 but found 0.",
      '  c: lora_alpha: Expected a number greater than 0 but found "8".',
      "  c: target_modules: Expected some of q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, " +
      'down_proj but found "q_porj". Did you mean "q_proj"?',
      "  c: lora_dropout: Expected a number from 0 to below 1 but found 1.",
    ].join("\n"),
  });
});

Deno.test("newAdapter() draws A from U(−1/√in, 1/√in) by its seed, leaves B zero, and has PEFT's defaults", () => {
  const adapter = newAdapter({ rank: 3 }, { model, seed: 1 });
  assert.equal(adapter.config.alpha, 6);
  assert.equal(adapter.weights.size, 2 * 7 * model.layers);
  for (const [name, { dims, data }] of adapter.weights) {
    if (name.endsWith("lora_B.weight")) assert(data.every((x) => x === 0));
    else {
      const bound = 1 / Math.sqrt(dims[1]);
      const most = data.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
      assert(most <= bound && most > 0.6 * bound, `${name}: ${most}`);
    }
  }
  assert.deepEqual(newAdapter({ rank: 3 }, { model, seed: 1 }), adapter);
  assert.notDeepEqual(newAdapter({ rank: 3 }, { model, seed: 2 }), adapter);
  const [a, b] = [["v_proj", "q_proj"], ["q_proj", "v_proj"]] as const;
  assert.deepEqual(
    newAdapter({ rank: 2, targets: a }, { model, seed: 1 }),
    newAdapter({ rank: 2, targets: b }, { model, seed: 1 }),
  );
});
