import type { Json } from "../../core/json.ts";
import { InputError, nearest } from "../../core/problem.ts";
import { FieldReader } from "./config_reader.ts";
import type { Projection } from "./families.ts";

/** Where a model's folder keeps the adapter that it has merged into it, by itself. */
export const ADAPTER_FOLDER = "adapter";

/** The matrices that an adapter may change, by PEFT's names, in the order of the computation. */
export const TARGETS = {
  q_proj: "query",
  k_proj: "key",
  v_proj: "value",
  o_proj: "output",
  gate_proj: "gate",
  up_proj: "up",
  down_proj: "down",
} as const satisfies Readonly<Record<string, Projection>>;
export type Target = keyof typeof TARGETS;

/** The names of all matrices that an adapter may change. */
export const TARGET_NAMES = Object.keys(TARGETS) as readonly Target[];

/** The shape of a LoRA adapter (Hu et al., 2021): y = x·Wᵀ + (alpha/rank)·(x·Aᵀ)·Bᵀ. */
export interface AdapterConfig {
  readonly rank: number;
  readonly alpha: number;
  /** The matrices it changes, in every layer. */
  readonly targets: readonly Target[];
  /** What it was trained with elsewhere; training here refuses any but 0, scoring has none. */
  readonly dropout: number;
}

/** Fields that change nothing once there are weights. */
const HARMLESS: readonly string[] = [
  "auto_mapping",
  "base_model_name_or_path",
  "corda_config",
  "ensure_weight_tying",
  "eva_config",
  "inference_mode",
  "loftq_config",
  "megatron_core",
  "peft_version",
  "qalora_group_size",
  "revision",
  "runtime_config",
];

/** The values of further fields that are computed here. Of an initialisation, some change the model. */
const COMPUTED: Readonly<Record<string, readonly Json[]>> = {
  peft_type: ["LORA"],
  task_type: ["CAUSAL_LM", null],
  bias: ["none"],
  init_lora_weights: [true, false, "gaussian"],
};

const READ: readonly string[] = ["r", "lora_alpha", "target_modules", "lora_dropout"];

/**
 * Reads the fields of PEFT's `adapter_config.json`. Fields that are not known must be empty: whatever
 * they ask for would change results.
 *
 * @param path names the file in messages
 * @throws InputError with every field that is missing, wrong or not implemented
 */
export function parseAdapterConfig(raw: Json, path: string): AdapterConfig {
  if (raw === null || typeof raw !== "object" || Array.isArray(raw)) {
    throw new InputError([{ path, message: "Expected a JSON object." }]);
  }
  const reader = new FieldReader(raw, path);
  if (raw.peft_type === undefined) reader.report("peft_type", "The field is missing.");
  for (const [key, value] of Object.entries(raw)) {
    if (READ.includes(key) || HARMLESS.includes(key)) continue;
    if (Object.hasOwn(COMPUTED, key) ? COMPUTED[key].includes(value) : isEmpty(value)) continue;
    reader.report(key, `${JSON.stringify(value)} is not implemented; it would change results.`);
  }
  const config: AdapterConfig = {
    rank: reader.size("r"),
    // The default of LoraConfig.
    alpha: reader.positive("lora_alpha", 8),
    targets: readTargets(reader),
    dropout: readDropout(reader),
  };
  if (reader.problems.length > 0) throw new InputError(reader.problems);
  return config;
}

function isEmpty(value: Json): boolean {
  if (value === null || value === false) return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}

function readTargets(reader: FieldReader): Target[] {
  const key = "target_modules";
  const found = reader.raw[key];
  if (found === "all-linear") return [...TARGET_NAMES];
  if (!Array.isArray(found) || found.length === 0) {
    reader.report(key, `Expected a list of modules but found ${JSON.stringify(found ?? null)}.`);
    return [];
  }
  for (const name of found) {
    if (typeof name === "string" && Object.hasOwn(TARGETS, name)) continue;
    const message = `Expected some of ${TARGET_NAMES.join(", ")} but found ${
      JSON.stringify(name)
    }.`;
    reader.report(key, message, typeof name === "string" ? nearest(name, TARGET_NAMES) : undefined);
  }
  return TARGET_NAMES.filter((name) => found.includes(name));
}

function readDropout(reader: FieldReader): number {
  const value = reader.raw.lora_dropout ?? 0;
  if (typeof value === "number" && value >= 0 && value < 1) return value;
  const message = `Expected a number from 0 to below 1 but found ${JSON.stringify(value)}.`;
  reader.report("lora_dropout", message);
  return 0;
}

/**
 * The fields of `adapter_config.json` that PEFT needs to compute the same.
 *
 * @param base what PEFT loads as the model that it adapts; null where it is told
 */
export function formatAdapterConfig(config: AdapterConfig, base: string | null = null): Json {
  const { rank, alpha, targets, dropout } = config;
  return {
    base_model_name_or_path: base,
    bias: "none",
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
    layers_to_transform: null,
    lora_alpha: alpha,
    lora_dropout: dropout,
    modules_to_save: null,
    peft_type: "LORA",
    r: rank,
    target_modules: [...targets],
    task_type: "CAUSAL_LM",
    use_dora: false,
    use_rslora: false,
  };
}
