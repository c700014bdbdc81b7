import type { Json } from "../../core/json.ts";
import type { FieldReader, RawConfig } from "./config_reader.ts";
import type { Family } from "./families.ts";

/** Whether a setting leaves the results as they are computed here. */
type Harmless = (value: Json, raw: RawConfig) => boolean;

/** What one family's config class of transformers 5.23 makes of `config.json`. */
interface FamilyConfig {
  /** Values of fields that are left out; null: derived from the other sizes. */
  readonly defaults: {
    readonly keyValueHeads: number | null;
    readonly headDim: number | null;
    readonly tiedEmbeddings: boolean;
    readonly maxPositions: number;
  };
  /** Settings that can change results: each with the values that are implemented, or change none. */
  readonly harmless: Readonly<Record<string, Harmless>>;
}

const HARMLESS: Readonly<Record<string, Harmless>> = {
  hidden_act: (value) => value === "silu",
  hidden_activation: (value) => value === null || value === "silu",
  attention_bias: isOff,
  mlp_bias: isOff,
  attention_dropout: isOff,
  rope_scaling: (value) => isOff(value) || isDefaultRope(value),
  rope_interleaved: isOff,
  partial_rotary_factor: isOne,
  sliding_window: (value, raw) => value === null || raw.use_sliding_window === false,
  layer_types: isFullAttention,
  attention_chunk_size: isOff,
  use_bidirectional_attention: isOff,
  pretraining_tp: isOne,
  quantization_config: isOff,
  final_logit_softcapping: isOff,
  attn_logit_softcapping: isOff,
  query_pre_attn_scalar: isOff,
  use_qk_norm: isOff,
  qk_layernorm: isOff,
};

/** The families' ways with their configs. */
export const FAMILY_CONFIGS: { readonly [F in Family]: FamilyConfig } = {
  llama: {
    defaults: { keyValueHeads: null, headDim: null, tiedEmbeddings: false, maxPositions: 2048 },
    harmless: HARMLESS,
  },
  mistral: {
    defaults: { keyValueHeads: 8, headDim: null, tiedEmbeddings: false, maxPositions: 131072 },
    harmless: { ...HARMLESS, sliding_window: isRead },
  },
  qwen2: {
    defaults: { keyValueHeads: 32, headDim: null, tiedEmbeddings: false, maxPositions: 32768 },
    harmless: {
      ...HARMLESS,
      attention_bias: isRead, // not a field of Qwen2Config: queries, keys and values always have one
      sliding_window: isRead,
      layer_types: (value, raw) =>
        isFullAttention(value) || (raw.use_sliding_window === true && isPlainAttention(value)),
    },
  },
  gemma: {
    defaults: { keyValueHeads: 16, headDim: 256, tiedEmbeddings: true, maxPositions: 8192 },
    harmless: {
      ...HARMLESS,
      // The first checkpoints say "gelu" and mean the approximation: transformers 5.23 turns it into
      // gelu_pytorch_tanh (GemmaConfig.__post_init__; huggingface/transformers#29402, #35235), and 4
      // reads hidden_activation alone, null being gelu_pytorch_tanh.
      hidden_act: (value) => value === "gelu" || value === "gelu_pytorch_tanh",
      hidden_activation: (value) => value === null || value === "gelu_pytorch_tanh",
    },
  },
};

/** Many times what models have: the weights of each layer are listed before a file is asked for them. */
export const MOST_LAYERS = 1024;

/** What is read elsewhere, or by nothing. */
function isRead(): boolean {
  return true;
}

function isOff(value: Json): boolean {
  return value === null || value === false || value === 0;
}

function isOne(value: Json): boolean {
  return value === null || value === 1;
}

function isFullAttention(value: Json): boolean {
  return value === null ||
    (Array.isArray(value) && value.every((type) => type === "full_attention"));
}

function isPlainAttention(value: Json): boolean {
  return Array.isArray(value) &&
    value.every((type) => type === "full_attention" || type === "sliding_attention");
}

/** Rotary settings are plain when their type is `default` under either spelling. */
export function isDefaultRope(value: Json): boolean {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return false;
  // Settings inside settings are those of single kinds of layers.
  const isFlat = Object.values(value).every((inner) => inner === null || typeof inner !== "object");
  return isFlat && (value.rope_type ?? value.type ?? "default") === "default" &&
    isOne(value.partial_rotary_factor ?? null);
}

/** The window of attention that a family's config means, and null for none. */
export function readSlidingWindow(reader: FieldReader, family: Family): number | null {
  return WINDOWS[family](reader);
}

const WINDOWS: { readonly [F in Family]: (reader: FieldReader) => number | null } = {
  llama: () => null,
  mistral: windowSize,
  qwen2: (reader) => {
    if (!reader.flag("use_sliding_window", false)) return null;
    const size = windowSize(reader);
    const sliding = slidingLayers(reader);
    if (size === null || sliding.every((slides) => !slides)) return null;
    if (sliding.includes(false)) {
      const message = `A window of ${size} tokens in some layers only (max_window_layers, ` +
        "layer_types) is not implemented; it would change results.";
      reader.report("sliding_window", message);
    }
    return size;
  },
  gemma: () => null,
};

/** 4096 where it is left out, as both classes have it; null is no window. */
function windowSize(reader: FieldReader): number | null {
  return reader.raw.sliding_window === null ? null : reader.size("sliding_window", 4096);
}

/** Which of qwen2's layers have the window: those that say so, else those past the first few. */
function slidingLayers({ raw }: FieldReader): boolean[] {
  const { layer_types: types = null, max_window_layers: first = null } = raw;
  if (Array.isArray(types)) return types.map((type) => type === "sliding_attention");
  return Array.from(
    { length: Math.min(Number(raw.num_hidden_layers) || 0, MOST_LAYERS) },
    (_, layer) => layer >= Number(first ?? 28),
  );
}
