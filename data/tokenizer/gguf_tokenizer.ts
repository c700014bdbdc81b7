import { type GgufHeader, type GgufValue, readGgufHeader } from "../../core/gguf_file.ts";
import { InputError, nearest, type Problem } from "../../core/problem.ts";
import { PRE_TOKENIZERS, preTokenizerOf } from "./gguf_pre_tokenizers.ts";
import { addedTokenEntry } from "./special_tokens.ts";
import type { TokenizerFiles } from "./tokenizer_files.ts";

/** llama.cpp's kinds of tokens that are found in text as they stand. */
const UNKNOWN = 2;
const CONTROL = 3;
const USER_DEFINED = 4;

/** Metadata of a byte-level vocabulary, checked. */
interface Vocabulary {
  readonly tokens: readonly string[];
  readonly merges: readonly string[];
  readonly kinds: readonly number[];
  readonly pre: keyof typeof PRE_TOKENIZERS;
}

/**
 * The tokenizer and the chat template of a GGUF file, as a Hugging Face folder would hold them.
 *
 * @throws InputError for a vocabulary or a pre-tokenizer of a kind that is not read, and for metadata
 * that contradicts itself
 */
export async function readGgufTokenizer(path: string): Promise<TokenizerFiles> {
  const header = await readGgufHeader(path);
  const problems: Problem[] = [];
  const vocabulary = readVocabulary(header, problems);
  const special = readSpecialTokens(header, problems);
  if (problems.length > 0 || vocabulary === null) throw new InputError(problems);
  const { metadata } = header;
  const template = metadata.get("tokenizer.chat_template");
  const addsBos = metadata.get("tokenizer.ggml.add_bos_token") === true && "bos_token" in special;
  return {
    tokenizer: tokenizerJson(vocabulary, addsBos ? special.bos_token : null),
    config: {
      ...special,
      add_bos_token: addsBos,
      clean_up_tokenization_spaces: false,
      tokenizer_class: "PreTrainedTokenizerFast",
    },
    template: typeof template === "string"
      ? { source: template, path: `${path}: tokenizer.chat_template` }
      : null,
    remarks: [],
    paths: { tokenizer: `${path}: tokenizer.ggml`, config: `${path}: tokenizer.ggml` },
  };
}

function readVocabulary({ path, metadata }: GgufHeader, problems: Problem[]): Vocabulary | null {
  const report = (key: string, message: string, near?: string) => {
    const problem = { path: `${path}: tokenizer.ggml.${key}`, message };
    problems.push(near === undefined ? problem : { ...problem, nearest: near });
  };
  const value = (key: string) => metadata.get(`tokenizer.ggml.${key}`);
  const model = value("model");
  if (model !== "gpt2") {
    const found = model === undefined ? "none" : JSON.stringify(model);
    report(
      "model",
      `Expected "gpt2", a byte-level BPE, but found ${found}, which is not read from GGUF. ` +
        "Name a Hugging Face folder that holds the model's tokenizer.json: --tokenizer of a " +
        "command, tokenizer of the stage base-model.",
    );
    return null;
  }
  const [tokens, merges] = [value("tokens"), value("merges")];
  if (!isTexts(tokens) || tokens.length === 0) report("tokens", "Expected a list of texts.");
  else reportRepeated(tokens, report);
  if (!isTexts(merges)) report("merges", "Expected a list of texts.");
  else {
    const wrong = merges.findIndex((merge) => merge.split(" ").length !== 2);
    if (wrong >= 0) {
      const found = JSON.stringify(merges[wrong]);
      report("merges", `Expected two tokens with a blank between but found ${found} at ${wrong}.`);
    }
  }
  const pre = preTokenizerOf(value("pre"));
  if (pre === null) {
    const [found, known] = [value("pre") ?? "none", Object.keys(PRE_TOKENIZERS)];
    const message = `Expected one of ${known.join(", ")} but found ${found}.`;
    report("pre", message, nearest(`${found}`, known));
  }
  if (!isTexts(tokens) || !isTexts(merges) || pre === null) return null;
  const kinds = value("token_type") ?? tokens.map(() => 1);
  if (Array.isArray(kinds) && kinds.length === tokens.length && kinds.every(Number.isInteger)) {
    return { tokens, merges, kinds: kinds as number[], pre };
  }
  report("token_type", `Expected ${tokens.length} numbers, one for each token.`);
  return null;
}

function isTexts(value: GgufValue | undefined): value is string[] {
  return Array.isArray(value) && value.every((text) => typeof text === "string");
}

function reportRepeated(
  tokens: readonly string[],
  report: (key: string, message: string) => void,
): void {
  const ids = new Map<string, number>();
  tokens.forEach((token, id) => {
    const first = ids.get(token);
    if (first !== undefined) {
      report(
        "tokens",
        `Expected distinct tokens but found ${JSON.stringify(token)} at ${first} and ${id}.`,
      );
    }
    ids.set(token, id);
  });
}

/** tokenizer_config.json's names of special tokens, with their texts. */
function readSpecialTokens(
  { path, metadata }: GgufHeader,
  problems: Problem[],
): Record<string, string> {
  const tokens = metadata.get("tokenizer.ggml.tokens");
  if (!isTexts(tokens)) return {};
  const names = { bos: "bos", eos: "eos", unknown: "unk", padding: "pad" };
  const special: Record<string, string> = {};
  for (const [theirs, ours] of Object.entries(names)) {
    const key = `tokenizer.ggml.${theirs}_token_id`;
    const id = metadata.get(key);
    if (id === undefined) continue;
    const text = typeof id === "number" ? tokens[id] : undefined;
    if (text !== undefined) special[`${ours}_token`] = text;
    else {
      const message = `Expected an id below ${tokens.length} but found ${id}.`;
      problems.push({ path: `${path}: ${key}`, message });
    }
  }
  return special;
}

/** tokenizer.json, as the `tokenizers` crate writes it. */
function tokenizerJson({ tokens, merges, kinds, pre }: Vocabulary, bos: string | null) {
  const { normalizer, preTokenizer, ignoreMerges } = PRE_TOKENIZERS[pre];
  const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true };
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: tokens.flatMap((content, id) => {
      const special = kinds[id] === CONTROL || kinds[id] === UNKNOWN;
      if (!special && kinds[id] !== USER_DEFINED) return [];
      return [addedTokenEntry({ id, content, special })];
    }),
    normalizer,
    pre_tokenizer: preTokenizer,
    post_processor: bos === null ? null : startsWith(bos, tokens.indexOf(bos)),
    decoder: { ...byteLevel, use_regex: true },
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: ignoreMerges,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges: merges.map((merge) => merge.split(" ")),
    },
  };
}

/** A post-processor that puts one token before each text. */
function startsWith(token: string, id: number) {
  const special = { SpecialToken: { id: token, type_id: 0 } };
  const text = (name: string, type: number) => ({ Sequence: { id: name, type_id: type } });
  return {
    type: "TemplateProcessing",
    single: [special, text("A", 0)],
    pair: [special, text("A", 0), text("B", 1)],
    special_tokens: { [token]: { id: token, ids: [id], tokens: [token] } },
  };
}
