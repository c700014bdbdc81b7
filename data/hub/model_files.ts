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

const WEIGHTS = /^model(-\d{5}-of-\d{5})?\.safetensors$/;

/**
 * The files of a repository that make a model folder; with `file`, that GGUF file alone.
 *
 * @throws InputError when there are no weights in a format that is read, naming what there is
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
  const weights = files.filter(({ path }) => WEIGHTS.test(path));
  const needed = ["config.json", "tokenizer.json"].filter((needs) => !paths.includes(needs));
  if (weights.length === 0) needed.push("model.safetensors");
  if (needed.length > 0) {
    const gguf = paths.filter((path) => path.endsWith(".gguf"));
    throw new InputError([{
      path: where,
      message: `Expected ${needed.join(", ")} in the repository but found ${shortList(paths)}.` +
        (gguf.length > 0 ? ` To take a GGUF file: \`file: ${gguf[0]}\`.` : ""),
    }]);
  }
  const index = "model.safetensors.index.json";
  const sharded = weights.some(({ path }) => path !== "model.safetensors");
  return files.filter(({ path }) =>
    BESIDE.has(path) || WEIGHTS.test(path) || (sharded && path === index)
  );
}
