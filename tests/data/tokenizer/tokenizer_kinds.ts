import { trainByteLevelBpe } from "../../../data/tokenizer/train_bpe.ts";

/** Special tokens of every kind below; the last one ends what another begins. */
export const SPECIALS = ["<unk>", "<s>", "</s>", "<|im_start|>", "<|im_end|>", "</s></s>"];

type Json = Record<string, unknown>;

const added = SPECIALS.map((content, id) => ({
  id,
  content,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  special: true,
}));

const bpe = {
  type: "BPE",
  dropout: null,
  unk_token: null,
  continuing_subword_prefix: null,
  end_of_word_suffix: null,
  fuse_unk: false,
  byte_fallback: false,
  ignore_merges: false,
};

const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true };

/** How llama-3 and its like cut text into words. */
const LATER_WORDS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|" +
  " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

const split = (regex: string) => ({
  type: "Split",
  pattern: { Regex: regex },
  behavior: "Isolated",
  invert: false,
});

/** tokenizer.json of each kind that the supported model families bring. */
export async function tokenizerKinds(): Promise<Readonly<Record<string, Json>>> {
  const texts = ["the cat's on the mat, they'll see 1,234 things; THE THEME", "Grüße 世界 über"];
  const { tokens, merges } = await trainByteLevelBpe(texts, {
    vocabSize: 320,
    specialTokens: SPECIALS,
  });
  const model = { ...bpe, vocab: vocabularyOf(tokens), merges };
  const plain = {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: added,
    normalizer: null,
    post_processor: null,
    decoder: { ...byteLevel, use_regex: true },
    pre_tokenizer: { ...byteLevel, use_regex: true },
    model,
  };
  const later = {
    ...plain,
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [split(LATER_WORDS), { ...byteLevel, use_regex: false }],
    },
  };
  return {
    "gpt-2": plain,
    "llama-3": { ...later, model: { ...model, ignore_merges: true } },
    "qwen2": { ...later, normalizer: { type: "NFC" } },
    ...sentencePieceKinds(plain),
  };
}

function vocabularyOf(tokens: readonly string[]): Record<string, number> {
  return Object.fromEntries(tokens.map((token, id) => [token, id]));
}

/** Two kinds whose words begin with `▁`, with a token for each byte. */
function sentencePieceKinds(plain: Json): Record<string, Json> {
  const bytes = Array.from(
    { length: 256 },
    (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`,
  );
  const merges = [["t", "h"], ["th", "e"], ["▁", "the"], ["▁", "c"], ["a", "t"], ["▁c", "at"]];
  const letters = ["▁", ..."acehimnost'.,", "\n", "世", "ü"];
  const vocab = vocabularyOf([
    ...SPECIALS,
    ...bytes,
    ...letters,
    ...merges.map((pair) => pair.join("")),
  ]);
  const decoder = {
    type: "Sequence",
    decoders: [
      { type: "Replace", pattern: { String: "▁" }, content: " " },
      { type: "ByteFallback" },
      { type: "Fuse" },
    ],
  };
  const marked = { type: "Replace", pattern: { String: " " }, content: "▁" };
  const model = {
    ...bpe,
    unk_token: "<unk>",
    fuse_unk: true,
    byte_fallback: true,
    vocab,
    merges,
  };
  return {
    "mistral": {
      ...plain,
      normalizer: { type: "Sequence", normalizers: [{ type: "Prepend", prepend: "▁" }, marked] },
      pre_tokenizer: null,
      decoder,
      model,
    },
    "gemma": {
      ...plain,
      normalizer: marked,
      pre_tokenizer: {
        type: "Split",
        pattern: { String: " " },
        behavior: "MergedWithPrevious",
        invert: false,
      },
      decoder,
      model,
    },
  };
}

/** Writes a kind as a folder that `loadTokenizer` reads. */
export async function writeKind(tokenizer: Json): Promise<string> {
  const folder = await Deno.makeTempDir();
  const config = { bos_token: "<s>", eos_token: "</s>", clean_up_tokenization_spaces: false };
  await Deno.writeTextFile(`${folder}/tokenizer.json`, JSON.stringify(tokenizer));
  await Deno.writeTextFile(`${folder}/tokenizer_config.json`, JSON.stringify(config));
  return folder;
}
