import { InputError } from "../../core/problem.ts";
import { textsOf } from "../pair.ts";
import { readPairs } from "../pairs_file.ts";
import { compileChatTemplate } from "./chat_template.ts";
import { loadTokenizer, type Tokenizer } from "./tokenizer.ts";
import { saveTokenizerFiles } from "./tokenizer_files.ts";
import { trainByteLevelBpe } from "./train_bpe.ts";
import { writeBpeTokenizer } from "./write_bpe_tokenizer.ts";

/** A tokenizer to be trained. */
export interface TrainTokenizer {
  /** Folder with the `pairs.jsonl` whose prompts and replies are the training text. */
  readonly pairs: string;
  /** Folder to write. */
  readonly folder: string;
  readonly vocabSize: number;
  readonly padToken: string;
  readonly bosToken: string;
  readonly eosToken: string;
  /** Special tokens beside those three, such as the role marks of the chat template. */
  readonly additionalSpecialTokens: readonly string[];
  /** Jinja; null for none. */
  readonly chatTemplate: string | null;
}

/**
 * Trains a byte-level BPE tokenizer on a folder of pairs, writes it, and loads it back.
 *
 * @throws RangeError when the vocabulary has no room for bytes and special tokens
 * @throws InputError when the chat template is no Jinja
 */
export async function trainTokenizer(options: TrainTokenizer): Promise<Tokenizer> {
  const { padToken, bosToken, eosToken, chatTemplate } = options;
  // Fails on a bad template before the work, not after it.
  if (chatTemplate !== null) {
    compileChatTemplate(chatTemplate, { path: "chatTemplate", tokens: {} });
  }
  const specialTokens = [
    ...new Set([padToken, bosToken, eosToken, ...options.additionalSpecialTokens]),
  ];
  const vocabulary = await trainByteLevelBpe(textsOfFile(options.pairs), {
    vocabSize: options.vocabSize,
    specialTokens,
  });
  await writeBpeTokenizer(options.folder, {
    vocabulary,
    specialTokens,
    padToken,
    bosToken,
    eosToken,
    chatTemplate,
  });
  return loadTokenizer(options.folder);
}

async function* textsOfFile(pairs: string): AsyncGenerator<string> {
  for await (const pair of readPairs(pairs)) yield* textsOf(pair);
}

/** A tokenizer that is given. */
export interface CopyTokenizer {
  /** Folder with tokenizer.json and tokenizer_config.json, or a GGUF file. */
  readonly from: string;
  /** Folder to write. */
  readonly folder: string;
  /** Jinja that replaces the tokenizer's own; null keeps that. */
  readonly chatTemplate: string | null;
}

/**
 * Copies a given tokenizer's files (those of a GGUF file are made from it) and loads the copy.
 *
 * @throws InputError when the folder holds no tokenizer that can be loaded
 */
export async function copyTokenizer(options: CopyTokenizer): Promise<Tokenizer> {
  const given = await loadTokenizer(options.from);
  if (given.eosId === null) {
    throw new InputError([{
      path: options.from,
      message: "Expected an eos_token, which ends every reply, but found none.",
    }]);
  }
  await saveTokenizerFiles(options.from, options.folder);
  if (options.chatTemplate !== null) {
    given.compileTemplate(options.chatTemplate, "chatTemplate");
    await Deno.writeTextFile(`${options.folder}/chat_template.jinja`, options.chatTemplate);
  }
  return { ...await loadTokenizer(options.folder), remarks: given.remarks };
}
