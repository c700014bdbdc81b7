import type { GgufValue } from "../../core/gguf_file.ts";

/** What becomes of text before its words are looked up, in tokenizer.json's terms. */
interface PreTokenizer {
  readonly normalizer: Readonly<Record<string, unknown>> | null;
  readonly preTokenizer: Readonly<Record<string, unknown>>;
  /** Whether a word that is a token is taken whole, whatever the merges make of it. */
  readonly ignoreMerges: boolean;
}

/** llama.cpp's other names of the same. */
const ALIASES: Readonly<Record<string, string>> = {
  "llama3": "llama-bpe",
  "llama-v3": "llama-bpe",
  "deepseek-r1-qwen": "qwen2",
};

const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true };

/** Words by a pattern; their bytes follow. */
function words(pattern: string) {
  const split = { type: "Split", pattern: { Regex: pattern }, behavior: "Isolated", invert: false };
  return { type: "Sequence", pretokenizers: [split, { ...byteLevel, use_regex: false }] };
}

/** The pattern that Llama 3 and Qwen2 share but for how many digits make a word. */
function wordPattern(digits: string): string {
  return "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" + digits +
    "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
}

/** Pre-tokenizers by the names of `tokenizer.ggml.pre` (llama-vocab.cpp). */
export const PRE_TOKENIZERS = {
  "gpt-2": {
    normalizer: null,
    preTokenizer: { ...byteLevel, use_regex: true },
    ignoreMerges: false,
  },
  "llama-bpe": {
    normalizer: null,
    preTokenizer: words(wordPattern("\\p{N}{1,3}")),
    ignoreMerges: true,
  },
  "qwen2": {
    normalizer: { type: "NFC" },
    preTokenizer: words(wordPattern("\\p{N}")),
    ignoreMerges: false,
  },
  // llama.cpp would cut digits off first, so that the blank lines before a number become one token, not
  // two. transformers does not, and its log-probs are what those of a GGUF file are compared with.
  "smollm": {
    normalizer: null,
    preTokenizer: { ...byteLevel, use_regex: true },
    ignoreMerges: false,
  },
} as const satisfies Readonly<Record<string, PreTokenizer>>;

/** The pre-tokenizer that a file names, or null for one that is not known. */
export function preTokenizerOf(name: GgufValue | undefined): keyof typeof PRE_TOKENIZERS | null {
  if (typeof name !== "string") return null;
  const known = Object.hasOwn(ALIASES, name) ? ALIASES[name] : name;
  return Object.hasOwn(PRE_TOKENIZERS, known) ? known as keyof typeof PRE_TOKENIZERS : null;
}
