import { InputError, nearest } from "../../core/problem.ts";
import { shortList } from "../sources/split_files.ts";
import type { HubFile, Repository } from "./repository.ts";

/** What belongs to a model beside its weights: settings, tokenizer, template, card, licence. */
const BESIDE = new Set([
  "config.json",
  "generation_config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "chat_template.jinja",
  "README.md",
  "LICENSE",
  "LICENSE.txt",
  "LICENSE.md",
]);

/** Files without which no model folder can be used. */
const NEEDED = ["config.json", "tokenizer.json", "tokenizer_config.json"];

const WEIGHTS = "model.safetensors";
const INDEX = "model.safetensors.index.json";
const SHARD = /^model-\d{5}-of-(?<count>\d{5})\.safetensors$/;

/**
 * The files of a repository that make a model folder; with `file`, that GGUF file alone.
 *
 * @throws InputError when a file is not there without which the model could not be used, or no weights
 * are in a format that is read, naming what there is
 */
export function modelFiles({ name, commit, files }: Repository, file?: string): HubFile[] {
  const where = `${name}@${commit}`;
  const paths = files.map(({ path }) => path);
  if (file !== undefined) {
    const found = files.find(({ path }) => path === file);
    if (found !== undefined) return [found];
    throw new InputError([{
      path: where,
      message: `Expected the file ${file} but found ${shortList(paths)}.`,
      nearest: nearest(file, paths),
    }]);
  }
  const weights = weightFiles(paths);
  const needed = [...NEEDED, ...weights].filter((needs) => !paths.includes(needs));
  if (needed.length > 0) {
    const gguf = paths.filter((path) => path.endsWith(".gguf"));
    throw new InputError([{
      path: where,
      message: `Expected ${shortList(needed)} in the repository but found ${shortList(paths)}.` +
        (gguf.length > 0 ? ` To take a GGUF file: \`file: ${gguf[0]}\`.` : ""),
    }]);
  }
  return files.filter(({ path }) => BESIDE.has(path) || weights.has(path));
}

/**
 * The names of a model's weights: one file, which goes before shards as where they are read, or all shards
 * of each count that a shard's name says, and their index.
 */
function weightFiles(paths: readonly string[]): ReadonlySet<string> {
  const counts = new Set(paths.flatMap((path) => SHARD.exec(path)?.groups?.count ?? []));
  if (counts.size === 0 || paths.includes(WEIGHTS)) return new Set([WEIGHTS]);
  const shards = [...counts].flatMap((count) =>
    Array.from(
      { length: Number(count) },
      (_, i) => `model-${String(i + 1).padStart(5, "0")}-of-${count}.safetensors`,
    )
  );
  return new Set([INDEX, ...shards]);
}
