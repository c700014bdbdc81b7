import { join } from "node:path";
import { isMissing } from "../core/write_atomically.ts";
import type { Store } from "../pipeline/store/store.ts";

/** A report below `<store>/reports/`, where `publishReports` put it. */
export interface Published {
  /** `RECIPE`, or `RECIPE/INSTANCE` for one of several: the folder below `reports/`. */
  readonly name: string;
  /** The file to open. */
  readonly page: string;
  /** When it was put there, in milliseconds since the epoch. */
  readonly time: number;
}

/** The file that makes a folder a report. */
export const PAGE_FILE = "index.html";

/** Every published report, the newest first. */
export function publishedReports(store: Pick<Store, "folder">): Published[] {
  const root = store.folder("reports");
  const recipes = folderNames(root);
  const names = recipes.flatMap((recipe) => [
    recipe,
    ...folderNames(join(root, recipe)).map((instance) => `${recipe}/${instance}`),
  ]);
  return names.flatMap((name) => {
    const page = join(root, name, PAGE_FILE);
    const time = timeOf(page);
    return time === null ? [] : [{ name, page, time }];
  }).sort((a, b) => b.time - a.time || (a.name < b.name ? -1 : 1));
}

function folderNames(folder: string): string[] {
  try {
    return [...Deno.readDirSync(folder)].filter(({ isDirectory, name }) =>
      isDirectory && !name.startsWith(".")
    ).map(({ name }) => name).sort();
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

function timeOf(path: string): number | null {
  try {
    const { isFile, mtime } = Deno.lstatSync(path);
    return isFile ? mtime?.getTime() ?? 0 : null;
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}
