import type { GgufHeader, GgufValue } from "../../core/gguf_file.ts";
import type { Json } from "../../core/json.ts";
import { InputError, type Problem } from "../../core/problem.ts";
import { type ModelConfig, parseModelConfig } from "./config.ts";
import type { Family } from "./families.ts";

/** Architectures that are read, by llama.cpp's names. */
const ARCHITECTURES = ["llama", "qwen2", "gemma"] as const;
export type GgufArchitecture = typeof ARCHITECTURES[number];

/** Keys of metadata, without the architecture in front, and what config.json calls the same. */
const FIELDS = {
  "embedding_length": "hidden_size",
  "block_count": "num_hidden_layers",
  "feed_forward_length": "intermediate_size",
  "attention.head_count": "num_attention_heads",
  "attention.layer_norm_rms_epsilon": "rms_norm_eps",
  "context_length": "max_position_embeddings",
  "attention.head_count_kv": "num_key_value_heads",
  "attention.key_length": "head_dim",
  "rope.freq_base": "rope_theta",
  "attention.sliding_window": "sliding_window",
} as const;

/** Those that have no default in llama.cpp either. */
const REQUIRED: readonly string[] = [
  "embedding_length",
  "block_count",
  "feed_forward_length",
  "attention.head_count",
  "attention.layer_norm_rms_epsilon",
  "context_length",
];

/** Further keys, with the values that leave results as they are computed here. */
const HARMLESS: Readonly<Record<string, (value: GgufValue, sizes: Sizes) => boolean>> = {
  "vocab_size": (value, { vocabulary }) => vocabulary === undefined || value === vocabulary,
  "attention.value_length": (value, { headDim }) => value === headDim,
  "rope.dimension_count": (value, { headDim }) => value === headDim,
  "rope.scaling.type": (value) => value === "none",
  "rope.scaling.factor": isNeutral,
  "rope.scale_linear": isNeutral,
  "rope.scaling.original_context_length": () => true,
  "rope.scaling.finetuned": () => true,
  "attention.causal": (value) => value === true,
  "expert_count": isNeutral,
  "expert_used_count": isNeutral,
  // A note of where the file's maker took the weights from.
  "tensor_data_layout": () => true,
};

interface Sizes {
  readonly vocabulary: number | undefined;
  readonly headDim: number;
}

function isNeutral(value: GgufValue): boolean {
  return value === 0 || value === 1 || value === false;
}

/**
 * The config of a model in a GGUF file, from its metadata.
 *
 * @throws InputError with every key that is missing, wrong, or asks for what is not implemented
 */
export function readGgufConfig(
  header: GgufHeader,
): { readonly config: ModelConfig; readonly architecture: GgufArchitecture } {
  const architecture = readArchitecture(header);
  const { path, metadata, tensors } = header;
  const problems: Problem[] = [];
  const fields = readFields(header, architecture, problems);
  const dimsOf = (name: string) => tensors.find((tensor) => tensor.name === name)?.dims;
  const vocabulary = dimsOf("token_embd.weight")?.[0];
  const headDim = fields.head_dim ?? fields.hidden_size / fields.num_attention_heads;
  problems.push(...furtherProblems(header, architecture, { vocabulary, headDim }));
  if (vocabulary === undefined) {
    problems.push({ path: `${path}: token_embd.weight`, message: "The tensor is missing." });
  }
  if (problems.length > 0) throw new InputError(problems);
  const id = (name: string) => asJson(metadata.get(`tokenizer.ggml.${name}_token_id`));
  const raw: Json = {
    ...fields,
    model_type: familyOf(architecture, fields),
    head_dim: headDim,
    num_key_value_heads: fields.num_key_value_heads ?? fields.num_attention_heads,
    vocab_size: vocabulary!,
    tie_word_embeddings: dimsOf("output.weight") === undefined,
    bos_token_id: id("bos"),
    eos_token_id: [...new Set([id("eos"), id("eot")])].filter((token) => token !== null),
    pad_token_id: id("padding"),
  };
  return { config: parseModelConfig(raw, `${path}: as config.json`), architecture };
}

function readArchitecture({ path, metadata }: GgufHeader): GgufArchitecture {
  const problems: Problem[] = [];
  const given = metadata.get("general.architecture") ?? null;
  const architecture = ARCHITECTURES.find((name) => name === given);
  if (architecture === undefined) {
    const message = `Expected one of ${
      ARCHITECTURES.join(", ")
    } (mistral is llama here) but found ${JSON.stringify(asJson(given ?? undefined))}.`;
    problems.push({ path: `${path}: general.architecture`, message });
  }
  const kind = metadata.get("general.type") ?? "model";
  if (kind !== "model") {
    const message = `Expected "model" but found ${JSON.stringify(asJson(kind))}.`;
    problems.push({ path: `${path}: general.type`, message });
  }
  const parts = metadata.get("split.count") ?? 1;
  if (parts !== 0 && parts !== 1) {
    const message = `Expected a model in one file but found one of ${parts}. Join them with ` +
      "`llama-gguf-split --merge` of llama.cpp.";
    problems.push({ path: `${path}: split.count`, message });
  }
  if (problems.length > 0) throw new InputError(problems);
  return architecture!;
}

/** A llama-architecture file with a window is a mistral. */
function familyOf(architecture: GgufArchitecture, fields: Fields): Family {
  return architecture === "llama" && fields.sliding_window !== undefined ? "mistral" : architecture;
}

type Required =
  | "hidden_size"
  | "num_hidden_layers"
  | "intermediate_size"
  | "num_attention_heads"
  | "rms_norm_eps"
  | "max_position_embeddings";
type Fields =
  & Record<Required, number>
  & Partial<Record<typeof FIELDS[keyof typeof FIELDS], number>>;

function readFields(
  { path, metadata }: GgufHeader,
  architecture: GgufArchitecture,
  problems: Problem[],
): Fields {
  const fields: Record<string, number> = {};
  for (const [key, name] of Object.entries(FIELDS)) {
    const value = metadata.get(`${architecture}.${key}`);
    if (value === undefined && !REQUIRED.includes(key)) continue;
    if (typeof value === "number" && value > 0) fields[name] = shortest(value);
    else {
      const found = value === undefined
        ? "none"
        : Array.isArray(value)
        ? "a list, one for each layer"
        : `${value}`;
      const message = `Expected a number greater than 0 but found ${found}.`;
      problems.push({ path: `${path}: ${architecture}.${key}`, message });
    }
  }
  return fields as Fields;
}

/** The shortest decimal that is the same float32: 1e-5, not 0.000009999999747378752. */
function shortest(value: number): number {
  for (let digits = 1; digits <= 9; digits++) {
    const decimal = Number(value.toPrecision(digits));
    if (Math.fround(decimal) === value) return decimal;
  }
  return value;
}

/** What else the metadata says of the architecture: all that is not known to be harmless is refused. */
function furtherProblems(
  { path, metadata }: GgufHeader,
  architecture: GgufArchitecture,
  sizes: Sizes,
): Problem[] {
  const prefix = `${architecture}.`;
  return [...metadata].flatMap(([key, value]): Problem[] => {
    const name = key.slice(prefix.length);
    if (!key.startsWith(prefix)) return [];
    const isWindow = name === "attention.sliding_window" && architecture !== "llama";
    if (Object.hasOwn(FIELDS, name) && !isWindow) return [];
    if (Object.hasOwn(HARMLESS, name) && HARMLESS[name](value, sizes)) return [];
    const found = typeof value === "object" ? "a list" : JSON.stringify(asJson(value));
    const message = `${found} is not implemented; it would change results.`;
    return [{ path: `${path}: ${key}`, message }];
  });
}

/** Null for what is missing; a number too large for JSON becomes its digits. */
function asJson(value: GgufValue | undefined): Json {
  if (typeof value === "object") return value.map(asJson);
  return typeof value === "bigint" ? `${value}` : value ?? null;
}
