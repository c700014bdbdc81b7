import { specialTokenEntries } from "./special_tokens.ts";
import type { BpeVocabulary } from "./train_bpe.ts";

/** What a tokenizer folder says beside its vocabulary. */
export interface BpeTokenizerFolder {
  readonly vocabulary: BpeVocabulary;
  /** Special tokens of the vocabulary: recognised in text, left out when decoding. */
  readonly specialTokens: readonly string[];
  readonly padToken: string;
  readonly bosToken: string;
  readonly eosToken: string;
  /** Jinja; null for a tokenizer without a chat template. */
  readonly chatTemplate: string | null;
}

/** Writes a byte-level BPE vocabulary as a Hugging Face tokenizer folder. */
export async function writeBpeTokenizer(
  folder: string,
  options: BpeTokenizerFolder,
): Promise<void> {
  const { tokens, merges } = options.vocabulary;
  const byteLevel = {
    type: "ByteLevel",
    add_prefix_space: false,
    trim_offsets: true,
    use_regex: true,
  };
  const tokenizer = {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: specialTokenEntries(options.specialTokens, tokens),
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: null,
    decoder: byteLevel,
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges,
    },
  };
  const config = {
    tokenizer_class: "PreTrainedTokenizerFast",
    bos_token: options.bosToken,
    eos_token: options.eosToken,
    pad_token: options.padToken,
    clean_up_tokenization_spaces: false,
  };
  await Deno.mkdir(folder, { recursive: true });
  const write = (name: string, text: string) => Deno.writeTextFile(`${folder}/${name}`, text);
  await write("tokenizer.json", `${JSON.stringify(tokenizer, null, 1)}\n`);
  await write("tokenizer_config.json", `${JSON.stringify(config, null, 1)}\n`);
  if (options.chatTemplate !== null) await write("chat_template.jinja", options.chatTemplate);
}
