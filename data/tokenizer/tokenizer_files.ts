import { isFile } from "../../core/is_file.ts";
import { isRecord } from "../../core/json.ts";
import { readJson } from "../../core/json_file.ts";
import { InputError } from "../../core/problem.ts";
import { readUtf8 } from "../../core/utf8_file.ts";
import type { JsonObject } from "./byte_level_words.ts";
import { readGgufTokenizer } from "./gguf_tokenizer.ts";
import { type ReadingRemark, readingRemarks, withNamedTokens } from "./transformers_reading.ts";

/** What makes a tokenizer, wherever it was read from. */
export interface TokenizerFiles {
  /** tokenizer.json, with the tokens of its vocabulary that the config alone names. */
  readonly tokenizer: JsonObject;
  /** tokenizer_config.json, with what special_tokens_map.json puts in its place. */
  readonly config: JsonObject;
  /** The Jinja of its chat template and where that stands; null when it has none. */
  readonly template: { readonly source: string; readonly path: string } | null;
  /** What `transformers` reads otherwise (see `readingRemarks`). */
  readonly remarks: readonly ReadingRemark[];
  /** Where each comes from, for messages; `tokens`: the special tokens of the config, by their name. */
  readonly paths: {
    readonly tokenizer: string;
    readonly config: string;
    readonly tokens?: Readonly<Record<string, string>>;
  };
}

/** A tokenizer's files in a Hugging Face folder; only the first two must be there. */
const FILES = [
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "chat_template.jinja",
] as const;

/** Which chat template is taken. */
export interface TemplateChoice {
  /** A file of Jinja; the tokenizer's own template unless given. */
  readonly template?: string;
}

/**
 * Reads a tokenizer: a file is taken for GGUF; a folder for Hugging Face's, with tokenizer.json,
 * tokenizer_config.json, and chat_template.jinja where there is one (else `chat_template` of
 * tokenizer_config.json). As in `transformers`, special_tokens_map.json takes the place of what a config
 * without `added_tokens_decoder` says.
 *
 * @throws InputError when a file is missing, is no JSON, no UTF-8, or of a kind that is not supported
 */
export async function readTokenizerFiles(
  path: string,
  { template }: TemplateChoice = {},
): Promise<TokenizerFiles> {
  const files = await (await isFile(path) ? readGgufTokenizer(path) : readFolder(path));
  if (template === undefined) return files;
  const { chat_template: _, ...config } = files.config;
  const source = await readUtf8(template);
  return { ...files, config, template: { source, path: template } };
}

async function readFolder(path: string): Promise<TokenizerFiles> {
  const paths = { tokenizer: `${path}/tokenizer.json`, config: `${path}/tokenizer_config.json` };
  const [json, own, modelType] = await Promise.all([
    readObject(paths.tokenizer),
    readObject(paths.config),
    readModelType(`${path}/config.json`),
  ]);
  const mapPath = `${path}/special_tokens_map.json`;
  const map = "added_tokens_decoder" in own || !await isFile(mapPath)
    ? {}
    : await readObject(mapPath);
  const config = { ...own, ...map };
  const tokens = Object.fromEntries(Object.keys(map).map((name) => [name, mapPath]));
  const template = await readTemplate(path, config);
  const tokenizer = withNamedTokens({ tokenizer: json, config });
  const remarks = readingRemarks({ tokenizer, config }, modelType);
  return { tokenizer, config, template, remarks, paths: { ...paths, tokens } };
}

/** Null where there is no config, or one that is no JSON, as those of some models with an Infinity in them. */
async function readModelType(path: string): Promise<string | null> {
  if (!await isFile(path)) return null;
  const { model_type: type } = await readObject(path).catch((error): JsonObject => {
    if (error instanceof InputError) return {};
    throw error;
  });
  return typeof type === "string" ? type : null;
}

/**
 * Writes a tokenizer's files into a Hugging Face folder: those of a folder as they are, those of a GGUF
 * file as they are made from it. A template that is chosen takes the place of the tokenizer's own.
 *
 * @throws InputError as `readTokenizerFiles`
 */
export async function saveTokenizerFiles(
  from: string,
  folder: string,
  choice: TemplateChoice = {},
): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  const made = await isFile(from);
  for (const name of made ? [] : FILES) {
    const source = `${from}/${name}`;
    // Not copyFile, which would keep a read-only file read-only.
    if (await isFile(source)) {
      await Deno.writeFile(`${folder}/${name}`, await Deno.readFile(source));
    }
  }
  if (!made && choice.template === undefined) return;
  const { tokenizer, config, template } = await readTokenizerFiles(from, choice);
  const write = (name: string, text: string) => Deno.writeTextFile(`${folder}/${name}`, text);
  if (made) await write("tokenizer.json", `${JSON.stringify(tokenizer, null, 1)}\n`);
  await write("tokenizer_config.json", `${JSON.stringify(config, null, 1)}\n`);
  if (template !== null) await write("chat_template.jinja", template.source);
}

async function readTemplate(
  folder: string,
  config: JsonObject,
): Promise<TokenizerFiles["template"]> {
  const path = `${folder}/chat_template.jinja`;
  if (await isFile(path)) return { source: await readUtf8(path), path };
  const given = config.chat_template;
  const named: unknown = Array.isArray(given)
    ? given.find((entry) => isRecord(entry) && entry.name === "default")?.template
    : given;
  return typeof named === "string"
    ? { source: named, path: `${folder}/tokenizer_config.json: chat_template` }
    : null;
}

async function readObject(path: string): Promise<JsonObject> {
  const refuse = (message: string) => new InputError([{ path, message }]);
  if (!await isFile(path)) throw refuse("Expected a tokenizer's file but found none.");
  const value: unknown = await readJson(path);
  if (isRecord(value)) return value;
  throw refuse("Expected a JSON object but found another value.");
}
