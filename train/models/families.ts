import type { Activation } from "../graph/op_types.ts";

/** Model families whose decoders are implemented, by `model_type`. */
export const FAMILIES = ["llama", "mistral", "qwen2", "gemma"] as const;
export type Family = typeof FAMILIES[number];

/** The matrices of a decoder layer, by what they give. */
export type Projection = "query" | "key" | "value" | "output" | "gate" | "up" | "down";

/** What one family computes otherwise than another. */
export interface FamilyTraits {
  /** The class of transformers that computes it. */
  readonly architecture: string;
  readonly activation: Activation;
  /** Added to the weights of norms: 1 where a weight of 0 means "leave as it is". */
  readonly normOffset: 0 | 1;
  /** Whether embeddings are multiplied by sqrt(D). */
  readonly scalesEmbeddings: boolean;
  /** The projections that add a bias. */
  readonly biased: readonly Projection[];
}

const PLAIN = {
  activation: "silu",
  normOffset: 0,
  scalesEmbeddings: false,
  biased: [],
} as const;

/**
 * The families, as transformers 5.23 computes them: llama (Touvron et al., 2023), mistral (Jiang et
 * al., 2023), qwen2 (Yang et al., 2024) and gemma, of which the first version is meant (Gemma Team,
 * 2024).
 */
export const TRAITS: { readonly [F in Family]: FamilyTraits } = {
  llama: { ...PLAIN, architecture: "LlamaForCausalLM" },
  mistral: { ...PLAIN, architecture: "MistralForCausalLM" },
  qwen2: { ...PLAIN, architecture: "Qwen2ForCausalLM", biased: ["query", "key", "value"] },
  gemma: {
    architecture: "GemmaForCausalLM",
    activation: "gelu_tanh",
    normOffset: 1,
    scalesEmbeddings: true,
    biased: [],
  },
};
