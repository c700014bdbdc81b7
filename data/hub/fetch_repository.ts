import { InputError } from "../../core/problem.ts";
import { splitFiles } from "../sources/split_files.ts";
import { downloadFiles } from "./download.ts";
import type { HubAccess } from "./hub_fetch.ts";
import { modelFiles } from "./model_files.ts";
import { type HubFile, isPinned, openRepository, type Repository } from "./repository.ts";

/** What every fetch is given. */
export interface Fetch {
  /** Folder of downloads, shared by all: `.ballast/hub`. */
  readonly cache: string;
  readonly access: HubAccess;
  readonly onProgress?: (done: number, total: number) => void;
  /** Told what a report should say, such as that a branch may move. */
  readonly warn: (message: string) => void;
}

/** A data set on the hub. */
export interface HubDataset {
  /** `owner/name`. */
  readonly dataset: string;
  /** A commit of 40 hex digits; a branch or tag is resolved to one. */
  readonly revision: string;
  /** What the data set calls its splits. */
  readonly split: Readonly<Record<"train" | "test", string>>;
}

/** Fetched files, by split, and the commit that they are of. */
export interface FetchedDataset {
  readonly commit: string;
  readonly train: readonly string[];
  readonly test: readonly string[];
}

/**
 * Fetches the files of two splits of a data set, unless the cache has them.
 *
 * @throws InputError when a split has no files, naming the splits that there are
 * @throws ExpectedError as `openRepository` and `downloadFiles`
 */
export async function fetchDataset(
  { dataset, revision, split }: HubDataset,
  options: Fetch,
): Promise<FetchedDataset> {
  const repository = await open({ kind: "dataset", name: dataset, revision }, options);
  const paths = repository.files.map(({ path }) => path);
  const chosen = { train: splitFiles(paths, split.train), test: splitFiles(paths, split.test) };
  const { train, test } = chosen;
  if (!("files" in train && "files" in test)) {
    const path = `${dataset}@${repository.commit}`;
    throw new InputError(
      [train, test].flatMap((found) => "files" in found ? [] : [{ path, ...found }]),
    );
  }
  const fileOf = new Map(repository.files.map((file) => [file.path, file]));
  const all = [...train.files, ...test.files].map((path) => fileOf.get(path)!);
  const fetched = await downloadFiles(repository, all, options);
  return {
    commit: repository.commit,
    train: fetched.slice(0, train.files.length),
    test: fetched.slice(train.files.length),
  };
}

/** A model on the hub. */
export interface HubModel {
  readonly model: string;
  readonly revision: string;
  /** A GGUF file of the repository, instead of its safetensors. */
  readonly file?: string;
}

/**
 * Fetches a model into a folder: its files are links to the cache where the file system allows it.
 *
 * @returns the commit and the bytes
 * @throws InputError, ExpectedError as `openRepository`, `modelFiles`, `downloadFiles`
 */
export async function fetchModel(
  { model, revision, file }: HubModel,
  options: Fetch & { readonly folder: string },
): Promise<{ commit: string; files: readonly HubFile[] }> {
  const repository = await open({ kind: "model", name: model, revision }, options);
  const files = modelFiles(repository, file);
  const paths = await downloadFiles(repository, files, options);
  for (const [i, path] of paths.entries()) {
    await place(path, `${options.folder}/${files[i].path.split("/").at(-1)}`);
  }
  return { commit: repository.commit, files };
}

async function open(
  repository: { kind: "dataset" | "model"; name: string; revision: string },
  { cache, access, warn }: Fetch,
): Promise<Repository> {
  const opened = await openRepository(repository, { cache, access });
  if (!isPinned(repository.revision)) {
    warn(
      `${opened.name} was taken at ${repository.revision}, which may move; to pin it: revision: ${opened.commit}`,
    );
  }
  return opened;
}

/** A second name for a file; a copy where links cannot be made. */
async function place(from: string, to: string): Promise<void> {
  try {
    await Deno.link(from, to);
  } catch {
    await Deno.copyFile(from, to);
  }
}
