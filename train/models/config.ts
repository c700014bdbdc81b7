import type { Json } from "../../core/json.ts";
import { InputError, nearest, type Problem } from "../../core/problem.ts";

/** Model families whose decoders are implemented, by `model_type`. */
const FAMILIES = ["llama"] as const;
export type Family = typeof FAMILIES[number];

/** The shape of a decoder-only language model; the legend of letters is ARCHITECTURE.md's. */
export interface ModelConfig {
  readonly family: Family;
  /** V */
  readonly vocabSize: number;
  /** D */
  readonly hiddenSize: number;
  /** F */
  readonly intermediateSize: number;
  readonly layers: number;
  /** H */
  readonly heads: number;
  /** K: heads of keys and values; divides `heads`. */
  readonly keyValueHeads: number;
  /** C: features a head; even. */
  readonly headDim: number;
  readonly normEpsilon: number;
  readonly ropeTheta: number;
  /** The output projection is the embedding, transposed. */
  readonly tiedEmbeddings: boolean;
  readonly maxPositions: number;
  readonly initializerRange: number;
  readonly bosTokenId: number | null;
  /** Any of them ends a reply. */
  readonly eosTokenIds: readonly number[];
  readonly padTokenId: number | null;
}

/** Settings that change results and are not implemented: each with the values that are harmless. */
const UNSUPPORTED: Readonly<Record<string, (value: Json, raw: RawConfig) => boolean>> = {
  hidden_act: (value) => value === "silu",
  attention_bias: isOff,
  mlp_bias: isOff,
  attention_dropout: isOff,
  rope_scaling: (value) => isOff(value) || isDefaultRope(value),
  rope_interleaved: isOff,
  partial_rotary_factor: (value) => value === null || value === 1,
  sliding_window: (value, raw) => value === null || raw.use_sliding_window === false,
  layer_types: (value) =>
    value === null || (Array.isArray(value) && value.every((type) => type === "full_attention")),
  pretraining_tp: (value) => value === null || value === 1,
  quantization_config: (value) => value === null,
  final_logit_softcapping: (value) => value === null,
  attn_logit_softcapping: (value) => value === null,
  use_qk_norm: isOff,
};

type RawConfig = Readonly<Record<string, Json>>;

function isOff(value: Json): boolean {
  return value === null || value === false || value === 0;
}

/** Rotary settings are plain when their type is `default` under either spelling. */
function isDefaultRope(value: Json): boolean {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return false;
  return (value.rope_type ?? value.type ?? "default") === "default" &&
    (value.partial_rotary_factor ?? 1) === 1;
}

/**
 * Reads the fields of a Hugging Face `config.json`, under the spelling of transformers 4
 * (`rope_theta`) and 5 (`rope_parameters`).
 *
 * @param path names the file in messages
 * @throws InputError with every field that is missing, wrong or not implemented
 */
export function parseModelConfig(raw: Json, path: string): ModelConfig {
  if (raw === null || typeof raw !== "object" || Array.isArray(raw)) {
    throw new InputError([{ path, message: "Expected a JSON object." }]);
  }
  const reader = new FieldReader(raw, path);
  const family = readFamily(reader);
  for (const [key, isHarmless] of Object.entries(UNSUPPORTED)) {
    const value = raw[key];
    if (value === undefined || isHarmless(value, raw)) continue;
    reader.report(key, `${JSON.stringify(value)} is not implemented; it would change results.`);
  }
  const hiddenSize = reader.size("hidden_size");
  const heads = reader.size("num_attention_heads");
  const keyValueHeads = reader.size("num_key_value_heads", heads);
  const config: ModelConfig = {
    family,
    vocabSize: reader.size("vocab_size"),
    hiddenSize,
    intermediateSize: reader.size("intermediate_size"),
    layers: reader.size("num_hidden_layers"),
    heads,
    keyValueHeads,
    headDim: reader.size("head_dim", hiddenSize / heads),
    normEpsilon: reader.positive("rms_norm_eps", 1e-6),
    ropeTheta: readRopeTheta(reader),
    tiedEmbeddings: reader.flag("tie_word_embeddings", false),
    maxPositions: reader.size("max_position_embeddings", 2048),
    initializerRange: reader.positive("initializer_range", 0.02),
    bosTokenId: reader.tokenIds("bos_token_id")[0] ?? null,
    eosTokenIds: reader.tokenIds("eos_token_id"),
    padTokenId: reader.tokenIds("pad_token_id")[0] ?? null,
  };
  checkHeads(config, reader);
  if (reader.problems.length > 0) throw new InputError(reader.problems);
  return config;
}

function readFamily(reader: FieldReader): Family {
  const type = reader.raw.model_type;
  const architectures = reader.raw.architectures;
  if (Array.isArray(architectures) && !architectures.some((a) => `${a}`.endsWith("ForCausalLM"))) {
    reader.report(
      "architectures",
      `Expected a language model (…ForCausalLM) but found ${JSON.stringify(architectures)}.`,
    );
  }
  const family = FAMILIES.find((name) => name === type);
  if (family !== undefined) return family;
  reader.report(
    "model_type",
    `Expected one of ${FAMILIES.join(", ")} but found ${JSON.stringify(type ?? null)}.`,
    typeof type === "string" ? nearest(type, FAMILIES) : undefined,
  );
  return FAMILIES[0];
}

function readRopeTheta(reader: FieldReader): number {
  const parameters = reader.raw.rope_parameters ?? null;
  if (parameters === null) return reader.positive("rope_theta", 10000);
  if (!isDefaultRope(parameters)) {
    const found = JSON.stringify(parameters);
    reader.report("rope_parameters", `${found} is not implemented; it would change results.`);
    return 1;
  }
  const nested = new FieldReader(parameters as RawConfig, `${reader.path}: rope_parameters`);
  const theta = nested.positive("rope_theta", 10000);
  reader.problems.push(...nested.problems);
  return theta;
}

function checkHeads(config: ModelConfig, reader: FieldReader): void {
  if (reader.problems.length > 0) return;
  const { heads, keyValueHeads, headDim } = config;
  if (heads % keyValueHeads !== 0) {
    reader.report(
      "num_key_value_heads",
      `Expected a divisor of num_attention_heads (${heads}) but found ${keyValueHeads}.`,
    );
  }
  if (headDim % 2 !== 0) {
    reader.report("head_dim", `Expected an even number but found ${headDim}.`);
  }
}

/** Reads one field at a time and keeps what is wrong with any of them. */
class FieldReader {
  readonly problems: Problem[] = [];

  constructor(readonly raw: RawConfig, readonly path: string) {}

  report(key: string, message: string, near?: string): void {
    const problem = { path: `${this.path}: ${key}`, message };
    this.problems.push(near === undefined ? problem : { ...problem, nearest: near });
  }

  size(key: string, fallback?: number): number {
    const value = this.raw[key] ?? fallback ?? null;
    if (typeof value === "number" && Number.isSafeInteger(value) && value > 0) return value;
    this.report(
      key,
      `Expected an integer greater than 0 but found ${JSON.stringify(value)}.`,
      fallback === undefined && value === null ? nearest(key, Object.keys(this.raw)) : undefined,
    );
    return 1;
  }

  positive(key: string, fallback: number): number {
    const value = this.raw[key] ?? fallback;
    if (typeof value === "number" && Number.isFinite(value) && value > 0) return value;
    this.report(key, `Expected a number greater than 0 but found ${JSON.stringify(value)}.`);
    return 1;
  }

  flag(key: string, fallback: boolean): boolean {
    const value = this.raw[key] ?? fallback;
    if (typeof value === "boolean") return value;
    this.report(key, `Expected true or false but found ${JSON.stringify(value)}.`);
    return false;
  }

  tokenIds(key: string): number[] {
    const value = this.raw[key] ?? [];
    const ids = Array.isArray(value) ? value : [value];
    if (ids.every((id): id is number => Number.isSafeInteger(id))) {
      return ids.filter((id) => id >= 0);
    }
    this.report(key, `Expected a token id or a list of them but found ${JSON.stringify(value)}.`);
    return [];
  }
}

/** `config.json` of a model folder, as transformers 5 reads it (and 4: both spellings are written). */
export function formatModelConfig(config: ModelConfig): Json {
  return {
    architectures: ["LlamaForCausalLM"],
    attention_bias: false,
    bos_token_id: config.bosTokenId,
    dtype: "float32",
    eos_token_id: formatTokenIds(config.eosTokenIds),
    head_dim: config.headDim,
    hidden_act: "silu",
    hidden_size: config.hiddenSize,
    initializer_range: config.initializerRange,
    intermediate_size: config.intermediateSize,
    max_position_embeddings: config.maxPositions,
    mlp_bias: false,
    model_type: config.family,
    num_attention_heads: config.heads,
    num_hidden_layers: config.layers,
    num_key_value_heads: config.keyValueHeads,
    pad_token_id: config.padTokenId,
    rms_norm_eps: config.normEpsilon,
    rope_parameters: { rope_theta: config.ropeTheta, rope_type: "default" },
    rope_theta: config.ropeTheta,
    tie_word_embeddings: config.tiedEmbeddings,
    torch_dtype: "float32",
    vocab_size: config.vocabSize,
  };
}

/** `generation_config.json` of a model folder: the tokens that begin, end and pad. */
export function formatGenerationConfig(config: ModelConfig): Json {
  return {
    bos_token_id: config.bosTokenId,
    eos_token_id: formatTokenIds(config.eosTokenIds),
    pad_token_id: config.padTokenId,
  };
}

function formatTokenIds(ids: readonly number[]): Json {
  return ids.length > 1 ? [...ids] : ids[0] ?? null;
}
