import type { Json } from "../../core/json.ts";
import { InputError, nearest } from "../../core/problem.ts";
import { FieldReader, type RawConfig } from "./config_reader.ts";
import { FAMILIES, type Family } from "./families.ts";
import { FAMILY_CONFIGS, isDefaultRope, MOST_LAYERS, readSlidingWindow } from "./family_configs.ts";

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
  /** Tokens that attention reaches back over, the query's own included; null: all. */
  readonly slidingWindow: number | null;
  readonly initializerRange: number;
  readonly bosTokenId: number | null;
  /** Any of them ends a reply. */
  readonly eosTokenIds: readonly number[];
  readonly padTokenId: number | null;
  /** What `generation_config.json` says beside those tokens: kept for others, not read here. */
  readonly generation: RawConfig;
}

/**
 * Refuses sequences that reach past the window that attention would be limited to: within it,
 * attention to all that came before is what the model computes.
 *
 * @param longest tokens of the longest sequence, prompt and reply together
 * @throws InputError when that is more than the window
 */
export function requireWithinWindow(
  { slidingWindow }: { readonly slidingWindow: number | null },
  longest: number,
): void {
  if (slidingWindow === null || longest <= slidingWindow) return;
  throw new InputError([{
    path: "sliding_window",
    message:
      `Expected sequences of at most ${slidingWindow} tokens, the model's attention window, ` +
      `but found one of ${longest}: attention within a window is not implemented. Shorten prompts ` +
      "and replies to it.",
  }]);
}

/**
 * Reads the fields of a Hugging Face `config.json`, under the spelling of transformers 4
 * (`rope_theta`) and 5 (`rope_parameters`). What is left out is what the family's config class of
 * transformers 5.23 makes it, but for sizes that no class can know and for special tokens, which are
 * the tokenizer's: of those a default would be a guess.
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
  const { defaults, harmless } = FAMILY_CONFIGS[family];
  for (const [key, isHarmless] of Object.entries(harmless)) {
    const value = raw[key];
    if (value === undefined || isHarmless(value, raw)) continue;
    reader.report(key, `${JSON.stringify(value)} is not implemented; it would change results.`);
  }
  const hiddenSize = reader.size("hidden_size");
  const heads = reader.size("num_attention_heads");
  const config: ModelConfig = {
    family,
    vocabSize: reader.size("vocab_size"),
    hiddenSize,
    intermediateSize: reader.size("intermediate_size"),
    layers: reader.size("num_hidden_layers", undefined, MOST_LAYERS),
    heads,
    // Left out, it is the class's default; null, it is as many as heads.
    keyValueHeads: reader.size(
      "num_key_value_heads",
      raw.num_key_value_heads === null ? heads : defaults.keyValueHeads ?? heads,
    ),
    headDim: reader.size("head_dim", defaults.headDim ?? hiddenSize / heads),
    normEpsilon: reader.positive("rms_norm_eps", 1e-6),
    ropeTheta: readRopeTheta(reader),
    tiedEmbeddings: reader.flag("tie_word_embeddings", defaults.tiedEmbeddings),
    maxPositions: reader.size("max_position_embeddings", defaults.maxPositions),
    slidingWindow: readSlidingWindow(reader, family),
    initializerRange: reader.positive("initializer_range", 0.02),
    bosTokenId: reader.tokenIds("bos_token_id")[0] ?? null,
    eosTokenIds: reader.tokenIds("eos_token_id"),
    padTokenId: reader.tokenIds("pad_token_id")[0] ?? null,
    generation: {},
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

/**
 * transformers 5 reads `rope_scaling` before `rope_parameters`, and in either `rope_theta` before the
 * field of that name, whose default is 10000 in all four classes.
 */
function readRopeTheta(reader: FieldReader): number {
  const theta = reader.positive("rope_theta", 10000);
  const { rope_scaling: scaling = null, rope_parameters: plain = null } = reader.raw;
  const key = isDefaultRope(scaling) ? "rope_scaling" : "rope_parameters";
  const parameters = isDefaultRope(scaling) ? scaling : plain;
  if (parameters === null) return theta;
  if (!isDefaultRope(parameters)) {
    const found = JSON.stringify(parameters);
    reader.report(key, `${found} is not implemented; it would change results.`);
    return 1;
  }
  const nested = new FieldReader(parameters as RawConfig, `${reader.path}: ${key}`);
  const nestedTheta = nested.positive("rope_theta", theta);
  reader.problems.push(...nested.problems);
  return nestedTheta;
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
