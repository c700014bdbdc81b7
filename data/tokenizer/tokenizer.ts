import { Tokenizer as HuggingFaceTokenizer } from "@huggingface/tokenizers";
import { isRecord } from "../../core/json.ts";
import { InputError } from "../../core/problem.ts";
import { type JsonObject, spellOutByteLevel } from "./byte_level_words.ts";
import { mendByteFallback } from "./byte_fallback.ts";
import { digestEncoding } from "./encoding_digest.ts";
import { bytePairEncoder } from "./byte_pairs.ts";
import { type ChatTemplate, compileChatTemplate } from "./chat_template.ts";
import { type NativeEncoder, openNativeEncoder } from "./native_encoder.ts";
import { readTokenizerFiles, type TemplateChoice } from "./tokenizer_files.ts";
import { addedTokens, type Vocabulary, vocabularyOf } from "./vocabulary.ts";
import { wordEncoder } from "./word_encoder.ts";

/**
 * What works ids out for `encodeAll`: this project's byte-pair encoding, for the kinds of tokenizers
 * that it knows; the `tokenizers` crate through its native binding; or the portable library, and then
 * why. All give the same ids.
 */
export type EncoderName = "byte pairs" | "native" | `portable (${string})`;

/** Text to token ids and back. */
export interface Tokenizer {
  /** The folder or GGUF file it was read from. */
  readonly folder: string;
  /** One more than the highest id: the rows that an embedding needs. */
  readonly vocabSize: number;
  readonly bosId: number | null;
  readonly eosId: number | null;
  readonly padId: number | null;
  /** The tokenizer's own chat template; null when it has none. */
  readonly chatTemplate: ChatTemplate | null;
  /** All that tokenizer_config.json says, with special_tokens_map.json. */
  readonly config: Readonly<Record<string, unknown>>;
  /** What `transformers` would make of the folder otherwise, a sentence each, with file and key. */
  readonly remarks: readonly string[];
  /** Texts of the tokens that `decode` leaves out. */
  readonly specialTokens: readonly string[];
  /** Compiles another template (a recipe's) with this tokenizer's special tokens. */
  compileTemplate(source: string, path: string): ChatTemplate;
  /**
   * Token ids of a text, special tokens in it recognised, none added. Half of a surrogate pair, which
   * is no character, reads as U+FFFD.
   * @throws InputError when the vocabulary has no token for a word and none for unknown ones
   */
  encode(text: string): Int32Array;
  /** What `encode` gives for each of many texts, worked out together, which is faster. */
  encodeAll(texts: readonly string[]): Promise<Int32Array[]>;
  /**
   * SHA-256 (hex) of all that decides which ids a text gets: normalizer, pre-tokenizer, model and added
   * tokens, merges spelt alike whether they are written as texts or as pairs.
   */
  digest(): string;
  /** What `encodeAll` works with: for logs, not for keys. */
  readonly encoder: EncoderName;
  /** The text of token ids, special tokens left out unless `keepSpecialTokens`. */
  decode(ids: ArrayLike<number>, options?: { readonly keepSpecialTokens?: boolean }): string;
}

/** How to load a tokenizer. */
export interface LoadTokenizer extends TemplateChoice {
  /**
   * Lets `encodeAll` use the native binding where it loads, which takes the permission to load it
   * (`native: ["tokenizers"]` of a stage).
   */
  readonly native?: boolean;
}

/**
 * Loads a tokenizer from a Hugging Face folder or a GGUF file (see `readTokenizerFiles`).
 *
 * @throws InputError when a file is missing, is no JSON, or is of a kind that is not supported
 */
export async function loadTokenizer(
  folder: string,
  options: LoadTokenizer = {},
): Promise<Tokenizer> {
  const files = await readTokenizerFiles(folder, options);
  const { tokenizer: model, config, template, paths } = files;
  if (template === null) refuseTemplates(config.chat_template ?? null, paths.config);
  const library = portableLibrary(paths.tokenizer, { model, config });
  const byLibrary = (text: string) => encodeByLibrary(library(), paths.tokenizer, text);
  const encoders = encodersOf(model, byLibrary, { ...options, path: paths.tokenizer });
  // Made now, so that one that it does not support is refused; it takes a while.
  if (encoders.encoder.startsWith("portable")) library();
  const vocabulary = vocabularyOf(model);
  const tokens = specialTokenTexts(config);
  const idOf = (name: string) =>
    resolveId(vocabulary, paths.tokens?.[name] ?? paths.config, [name, tokens[name]]);
  return {
    folder,
    vocabSize: vocabulary.size,
    bosId: idOf("bos_token"),
    eosId: idOf("eos_token"),
    padId: idOf("pad_token"),
    chatTemplate: template && compileChatTemplate(template.source, { path: template.path, tokens }),
    config,
    remarks: files.remarks.map(({ key, message }) =>
      `${paths.tokens?.[key] ?? paths.config}: ${key}: ${message}`
    ),
    specialTokens: addedTokens(model).filter(({ special }) => special === true)
      .map(({ content }) => String(content)),
    compileTemplate: (source, path) => compileChatTemplate(source, { path, tokens }),
    ...encoders,
    digest: () => digestEncoding(model),
    decode: (ids, options = {}) => {
      if (ids.length === 0) return "";
      return library().decode(Array.from(ids), {
        skip_special_tokens: !options.keepSpecialTokens,
        clean_up_tokenization_spaces: config.clean_up_tokenization_spaces === true,
      });
    },
  };
}

/** Refuses templates of which none is the one to take: to go on without any would be another model. */
function refuseTemplates(given: unknown, path: string): void {
  if (given === null) return;
  const names = Array.isArray(given)
    ? given.map((entry) => isRecord(entry) ? String(entry.name) : "no name").join(", ")
    : typeof given;
  const message =
    `Expected a text, or several templates of which one is called default, but found ${
      names || "an empty list"
    }. Name a file with the one to take: --template of a command, chatTemplate of the stage base-model.`;
  throw new InputError([{ path: `${path}: chat_template`, message }]);
}

/** The portable library, made when it is first asked for. */
function portableLibrary(
  path: string,
  { model, config }: Readonly<Record<"model" | "config", Record<string, unknown>>>,
): () => HuggingFaceTokenizer {
  let library: HuggingFaceTokenizer | null = null;
  return () => {
    if (library !== null) return library;
    try {
      library = new HuggingFaceTokenizer(spellOutByteLevel(model), config);
      mendByteFallback(library.decoder);
      return library;
    } catch (error) {
      throw new InputError([{
        path,
        message: `Expected a tokenizer of a supported kind but found: ${messageOf(error)}`,
      }]);
    }
  };
}

type Encoders = Pick<Tokenizer, "encode" | "encodeAll" | "encoder">;

/** `encode` and `encodeAll`, word by word where the kind of tokenizer lets us. */
function encodersOf(
  model: JsonObject,
  byLibrary: (text: string) => readonly number[],
  { native = false, path }: LoadTokenizer & { readonly path: string },
): Encoders {
  const byPairs = bytePairEncoder(model, byLibrary);
  const words = wordEncoder(model, byPairs ?? byLibrary);
  if (words !== null) {
    return {
      encode: (text) => words.encode(text.toWellFormed()),
      encodeAll: (texts) =>
        Promise.try(() => words.encodeAll(texts.map((text) => text.toWellFormed()))),
      encoder: byPairs === null ? "portable (word by word)" : "byte pairs",
    };
  }
  refuseSingleWords(model, path);
  const encode = (text: string) => new Int32Array(byLibrary(text.toWellFormed()));
  const crate: NativeEncoder = native
    ? openNativeEncoder(model, byLibrary)
    : { encodeMany: null, reason: "the native one was not asked for" };
  if (crate.encodeMany === null) {
    const encoder = `portable (${crate.reason})` as const;
    return { encode, encodeAll: (texts) => Promise.try(() => texts.map(encode)), encoder };
  }
  const { encodeMany } = crate;
  const encodeAll = async (texts: readonly string[]) => {
    const many = await encodeMany(texts.map((text) => text.toWellFormed()));
    return many.map((ids) => new Int32Array(ids));
  };
  return { encode, encodeAll, encoder: "native" };
}

/** The portable library would find them within words as well. */
function refuseSingleWords(model: JsonObject, path: string): void {
  const single = addedTokens(model).filter((token) => token.single_word === true);
  if (single.length === 0) return;
  const found = single.slice(0, 3).map(({ content }) => JSON.stringify(content)).join(", ");
  const more = single.length > 3 ? ` and ${single.length - 3} more` : "";
  const message = "Expected no added tokens of which single_word is true, which are supported " +
    `where text is only cut into words, but found ${found}${more}.`;
  throw new InputError([{ path: `${path}: added_tokens`, message }]);
}

function encodeByLibrary(library: HuggingFaceTokenizer, path: string, text: string): number[] {
  if (text === "") return [];
  const { ids, tokens } = library.encode(text, { add_special_tokens: false });
  const unknown = ids.findIndex((id) => id === undefined);
  if (unknown < 0) return ids;
  throw new InputError([{
    path,
    message: `Expected a vocabulary that can write every text but found no token for ` +
      `${JSON.stringify(tokens[unknown])}, nor one for unknown words.`,
  }]);
}

/** `bos_token` and its like, given as text or as `{ content }`. */
function specialTokenTexts(config: Readonly<Record<string, unknown>>): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const [name, value] of Object.entries(config)) {
    if (!name.endsWith("_token")) continue;
    const content = isRecord(value) ? value.content : value;
    if (typeof content === "string") texts[name] = content;
  }
  return texts;
}

function resolveId(
  vocabulary: Vocabulary,
  path: string,
  [name, text]: [string, string | undefined],
): number | null {
  if (text === undefined) return null;
  const id = vocabulary.idOf(text);
  if (id !== undefined) return id;
  const message = `Expected ${name} to be in the vocabulary but found "${text}".`;
  throw new InputError([{ path, message }]);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
