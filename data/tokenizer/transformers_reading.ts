import { isRecord } from "../../core/json.ts";
import type { JsonObject } from "./byte_level_words.ts";
import { addedTokenEntry } from "./special_tokens.ts";
import type { TokenizerFiles } from "./tokenizer_files.ts";
import { addedTokens, vocabularyOf } from "./vocabulary.ts";

type Files = Pick<TokenizerFiles, "tokenizer" | "config">;

/** How words of Qwen2 are cut. */
const QWEN2_WORDS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}|" +
  " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

/**
 * Whether a tokenizer.json says what a class of `transformers` (5.23) makes of its vocabulary and merges:
 * these pass over its normalizer and its pre-tokenizer. Other classes are not looked at.
 */
const REBUILT: Readonly<Record<string, (files: Files) => boolean>> = {
  LlamaTokenizer: ({ tokenizer, config }) => {
    const scheme = config.legacy === true ? "always" : "first";
    return blanksOf(tokenizer) === (config.add_prefix_space === false ? "never" : scheme) &&
      mergesPlainly(tokenizer.model, true);
  },
  GPT2Tokenizer: ({ tokenizer: { normalizer, pre_tokenizer, model }, config }) =>
    !normalizer && isBytes(pre_tokenizer, { regex: true, config }) && mergesPlainly(model, false),
  GemmaTokenizer: ({ tokenizer }) =>
    blanksOf(tokenizer) === "never" && mergesPlainly(tokenizer.model, true),
  Qwen2Tokenizer: ({ tokenizer: { normalizer, pre_tokenizer: cutter, model }, config }) => {
    const steps = isRecord(cutter) && Array.isArray(cutter.pretokenizers)
      ? cutter.pretokenizers
      : [];
    const [split, bytes] = steps;
    return isRecord(normalizer) && normalizer.type === "NFC" && steps.length === 2 &&
      isRecord(split) && split.behavior === "Isolated" && split.invert !== true &&
      isRecord(split.pattern) && split.pattern.Regex === QWEN2_WORDS &&
      isBytes(bytes, { regex: false, config }) && mergesPlainly(model, false);
  },
};

/** Where a tokenizer that writes blanks as `▁` puts one before a text; null for one that cuts texts otherwise. */
function blanksOf({ normalizer, pre_tokenizer: cutter }: JsonObject): unknown {
  const atBlanks = isRecord(cutter) && isRecord(cutter.pattern) && cutter.pattern.String === " ";
  // What cuts at blanks has no work: there are none left.
  const replaces = isRecord(normalizer) && normalizer.type === "Replace" &&
    normalizer.content === "▁" && isRecord(normalizer.pattern) &&
    normalizer.pattern.String === " " && (!cutter || atBlanks);
  if (replaces) return "never";
  const replacesWhole = !normalizer && isRecord(cutter) && cutter.type === "Metaspace" &&
    cutter.replacement === "▁" && cutter.split === false;
  return replacesWhole ? cutter.prepend_scheme : null;
}

function isBytes(step: unknown, { regex, config }: { regex: boolean; config: JsonObject }) {
  return isRecord(step) && step.type === "ByteLevel" && (step.use_regex !== false) === regex &&
    (step.add_prefix_space === true) === (config.add_prefix_space === true);
}

function mergesPlainly(model: unknown, byteFallback: boolean): boolean {
  return isRecord(model) && model.type === "BPE" && !model.ignore_merges &&
    (model.byte_fallback === true) === byteFallback;
}

/** The class with which AutoTokenizer makes another tokenizer than tokenizer.json says; null for none. */
function contradictingClass(files: Files, modelType: string | null): string | null {
  const given = files.config.tokenizer_class;
  const own = typeof given === "string" ? given.replace(/Fast$/, "") : null;
  if (modelType === "mistral") return null;
  // Of these models no other class is taken, whatever the folder says.
  const name = modelType === "qwen2"
    ? "Qwen2Tokenizer"
    : own ?? (modelType === "gemma" ? "GemmaTokenizer" : "");
  if (name === "LlamaTokenizer" && hasByteLevel(files.tokenizer)) return null;
  return Object.hasOwn(REBUILT, name) && !REBUILT[name](files) ? name : null;
}

function hasByteLevel({ pre_tokenizer, decoder }: JsonObject): boolean {
  return JSON.stringify([pre_tokenizer, decoder]).includes('"ByteLevel"');
}

/** Names in a config under which tokens stand that `transformers` adds to those of tokenizer.json. */
const NAMED = ["bos", "eos", "unk", "sep", "pad", "cls", "mask"].map((name) => `${name}_token`);
const LISTED = ["additional_special_tokens", "extra_special_tokens"];

/** A token that a config names. */
interface NamedToken {
  /** Where in the config. */
  readonly key: string;
  readonly content: string;
  /** What it says of the token. */
  readonly entry: JsonObject;
}

/** Tokens that a config names and tokenizer.json does not list, each once. */
function unlistedTokens({ tokenizer, config }: Files): NamedToken[] {
  const known = new Set<unknown>(addedTokens(tokenizer).map(({ content }) => content));
  const { added_tokens_decoder: decoder } = config;
  const ordinary = (isRecord(decoder) ? Object.values(decoder) : []).filter(isRecord)
    .map((entry) => ({ key: "added_tokens_decoder", entry }));
  const special = [...NAMED, ...LISTED].flatMap((key) =>
    [config[key]].flat().map((token: unknown) => ({
      key,
      entry: { ...(isRecord(token) ? token : { content: token }), special: true } as JsonObject,
    }))
  );
  return [...ordinary, ...special].flatMap(({ key, entry }) => {
    const { content } = entry;
    if (typeof content !== "string" || content === "" || known.has(content)) return [];
    known.add(content);
    return [{ key, content, entry }];
  });
}

/**
 * A tokenizer.json with the tokens of its vocabulary that its config alone says are to be found in texts,
 * as `transformers` adds them. It is the one given where there are none.
 */
export function withNamedTokens(files: Files): JsonObject {
  const unlisted = unlistedTokens(files);
  if (unlisted.length === 0) return files.tokenizer;
  const { idOf } = vocabularyOf(files.tokenizer);
  const more = unlisted.flatMap(({ content, entry }) => {
    const id = idOf(content);
    const special = entry.special === true;
    return id === undefined ? [] : [{ ...addedTokenEntry({ id, content, special }), ...entry, id }];
  });
  return { ...files.tokenizer, added_tokens: [...addedTokens(files.tokenizer), ...more] };
}

/** Tokens that a config names and no vocabulary holds: `transformers` gives them ids behind all others. */
function newTokens(files: Files): NamedToken[] {
  const unlisted = unlistedTokens(files);
  if (unlisted.length === 0) return [];
  const { idOf } = vocabularyOf(files.tokenizer);
  return unlisted.filter(({ content }) => idOf(content) === undefined);
}

/** What `transformers` reads otherwise than this project, which goes by tokenizer.json. */
export interface ReadingRemark {
  /** The key of the config that does it. */
  readonly key: string;
  /** A sentence without its stop. */
  readonly message: string;
}

const FOLLOWED = "tokenizer.json is followed, here and by what `ballast export` writes";

/**
 * What `transformers` (5.23) would make of a folder otherwise than this project, which goes by
 * tokenizer.json; nothing where the config agrees with that.
 *
 * @param modelType `model_type` of the config.json beside it; null for none
 */
export function readingRemarks(files: Files, modelType: string | null): ReadingRemark[] {
  const name = contradictingClass(files, modelType);
  const [first, ...more] = newTokens(files);
  const remarks: ReadingRemark[] = [];
  if (name !== null && modelType === "qwen2") {
    const message =
      "transformers takes the tokenizer of any qwen2 model for a Qwen2Tokenizer, which this " +
      "tokenizer.json is not, so that AutoTokenizer gives other ids for some texts; " +
      "PreTrainedTokenizerFast gives those of tokenizer.json, which is followed here";
    remarks.push({ key: "tokenizer_class", message });
  } else if (name !== null) {
    const key = contradictingKey(files, name);
    const message = `transformers reads a ${name} otherwise than this tokenizer.json says, with ` +
      `other ids for some texts; ${FOLLOWED}`;
    remarks.push({ key, message });
  }
  if (first !== undefined) {
    const others = more.length === 0 ? "" : ` and ${more.length} more`;
    const message = `transformers adds ${JSON.stringify(first.content)}${others}, which the ` +
      `vocabulary lacks, with ids of their own; ${FOLLOWED}`;
    remarks.push({ key: first.key, message });
  }
  return remarks;
}

/** The key without which a config would agree with tokenizer.json, else the one of its class. */
function contradictingKey({ tokenizer, config }: Files, name: string): string {
  const agreesWithout = (key: string) =>
    key in config && REBUILT[name]({ tokenizer, config: { ...config, [key]: undefined } });
  return ["legacy", "add_prefix_space"].find(agreesWithout) ?? "tokenizer_class";
}

/** A config with which `transformers` reads tokenizer.json as it is; the one given where it does so anyway. */
export function agreeingConfig(files: Files, modelType: string | null): JsonObject {
  if (readingRemarks(files, modelType).length === 0) return files.config;
  const isNew = new Set<unknown>(newTokens(files).map(({ content }) => content));
  const isKept = (token: unknown) => !isNew.has(isRecord(token) ? token.content : token);
  const { legacy: _, add_prefix_space: __, ...rest } = files.config;
  const kept = Object.entries(rest).flatMap(([name, value]): [string, unknown][] => {
    if (NAMED.includes(name)) return isKept(value) ? [[name, value]] : [];
    if (LISTED.includes(name) && Array.isArray(value)) return [[name, value.filter(isKept)]];
    if (name !== "added_tokens_decoder" || !isRecord(value)) return [[name, value]];
    const entries = Object.entries(value).filter(([, token]) => isKept(token));
    return [[name, Object.fromEntries(entries)]];
  });
  const cutter = files.tokenizer.pre_tokenizer;
  // Version 4 sets a byte-level pre-tokenizer by this.
  const prefix = isRecord(cutter) && typeof cutter.add_prefix_space === "boolean"
    ? { add_prefix_space: cutter.add_prefix_space }
    : {};
  return { ...Object.fromEntries(kept), ...prefix, tokenizer_class: "PreTrainedTokenizerFast" };
}
