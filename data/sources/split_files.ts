import { nearest } from "../../core/problem.ts";

/** What data sets call the files of a split: `train_prefs.jsonl`, `data/train-00000-of-00002-ab12.parquet`. */
const SPLIT_FILE =
  /^(?<split>.+?)(?:-(?<shard>\d{5})-of-(?<shards>\d{5})(?:-[0-9a-f]+)?)?\.(?:parquet|jsonl|jsonl\.gz)$/;

/** The files of a split, in order, or why there are none. */
export type SplitFiles =
  | { readonly files: readonly string[] }
  | { readonly message: string; readonly nearest?: string };

/**
 * Chooses the files of one split among the paths of a data set, by their names.
 *
 * @param paths relative ones, in any order
 * @param split its name, such as `train_prefs`
 *
 * @example
 * ```ts
 * import { splitFiles } from "./split_files.ts";
 * const found = splitFiles(["README.md", "data/test-00000-of-00001.parquet"], "test");
 * if (!("files" in found) || found.files.length !== 1) throw new Error();
 * ```
 */
export function splitFiles(paths: readonly string[], split: string): SplitFiles {
  const named = paths.flatMap((path) => {
    const groups = SPLIT_FILE.exec(path.slice(path.lastIndexOf("/") + 1))?.groups;
    return groups === undefined ? [] : [{ path, split: groups.split, shards: groups.shards }];
  });
  const own = named.filter((file) => file.split === split);
  if (own.length === 0) {
    const known = [...new Set(named.map((file) => file.split))].sort();
    const others = known.length > 0 ? `splits ${known.join(", ")}` : shortList(paths);
    return {
      message: `Expected ${split}.parquet, ${split}.jsonl or ${split}.jsonl.gz (or parts ` +
        `${split}-00000-of-00002.parquet) but found ${others}.`,
      nearest: nearest(split, known),
    };
  }
  const files = own.map(({ path }) => path).sort();
  const kinds = new Set(
    own.map(({ path, shards }) => `${folderOf(path)}|${kindOf(path)}|${shards}`),
  );
  if (kinds.size > 1) {
    return {
      message: `Expected one set of files for the split ${split} but found ${files.join(", ")}.`,
    };
  }
  const expected = Number(own[0].shards ?? 1);
  if (files.length === expected) return { files };
  return {
    message: `Expected ${expected} files of the split ${split} but found ${files.length}: ${
      files.join(", ")
    }.`,
  };
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/") + 1);
}

function kindOf(path: string): string {
  return /\.(parquet|jsonl|jsonl\.gz)$/.exec(path)![1];
}

/** The first ten of some names. */
export function shortList(names: readonly string[]): string {
  if (names.length === 0) return "no files";
  return names.slice(0, 10).join(", ") + (names.length > 10 ? `, … (${names.length})` : "");
}
