import { InputError } from "../../core/problem.ts";

/** The files of a preference data set, by split. */
export interface PreferenceFiles {
  readonly train: string;
  readonly test: string;
}

const ENDINGS = [".jsonl", ".jsonl.gz"];

/**
 * Finds `train_prefs.jsonl` and `test_prefs.jsonl` (either may be gzipped) in a folder.
 *
 * @throws InputError naming each missing file and what the folder holds
 */
export async function findPreferenceFiles(folder: string): Promise<PreferenceFiles> {
  const names = await listNames(folder);
  const find = (split: string) => {
    const name = ENDINGS.map((ending) => `${split}_prefs${ending}`).find((n) => names.includes(n));
    return name === undefined ? undefined : `${folder}/${name}`;
  };
  const [train, test] = [find("train"), find("test")];
  if (train !== undefined && test !== undefined) return { train, test };
  const missing = [train ?? "train", test ?? "test"].filter((name) => !name.includes("/"));
  const found = names.length === 0 ? "an empty folder" : names.slice(0, 10).join(", ");
  throw new InputError(missing.map((split) => ({
    path: folder,
    message: `Expected ${split}_prefs.jsonl or ${split}_prefs.jsonl.gz but found ${found}.`,
  })));
}

async function listNames(folder: string): Promise<string[]> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(folder));
    return entries.filter((entry) => !entry.isDirectory).map((entry) => entry.name).sort();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      const message =
        "Expected a folder with train_prefs.jsonl and test_prefs.jsonl but found none.";
      throw new InputError([{ path: folder, message }]);
    }
    throw error;
  }
}
