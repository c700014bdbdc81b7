import { InputError } from "../../core/problem.ts";
import { splitFiles } from "./split_files.ts";

/** The files of a preference data set, by split, each list in order. */
export interface PreferenceFiles {
  readonly train: readonly string[];
  readonly test: readonly string[];
}

/**
 * Finds the files of the splits `train_prefs` and `test_prefs` in a folder: JSON lines (either may be
 * gzipped) or Parquet, whole or in parts.
 *
 * @throws InputError naming each missing split and what the folder holds
 */
export async function findPreferenceFiles(folder: string): Promise<PreferenceFiles> {
  const names = await listNames(folder);
  const [train, test] = ["train_prefs", "test_prefs"].map((split) => splitFiles(names, split));
  const wrong = [train, test].flatMap((found) =>
    "files" in found ? [] : [{ path: folder, ...found }]
  );
  if (!("files" in train && "files" in test)) throw new InputError(wrong);
  const inFolder = (files: readonly string[]) => files.map((name) => `${folder}/${name}`);
  return { train: inFolder(train.files), test: inFolder(test.files) };
}

async function listNames(folder: string): Promise<string[]> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(folder));
    return entries.filter((entry) => !entry.isDirectory).map((entry) => entry.name).sort();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      const message =
        "Expected a folder with the files of train_prefs and test_prefs but found none.";
      throw new InputError([{ path: folder, message }]);
    }
    throw error;
  }
}
