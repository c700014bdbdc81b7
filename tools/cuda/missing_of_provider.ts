import { join } from "node:path";
import { isFile } from "../../core/is_file.ts";
import { PROVIDER } from "../../train/runtime/cuda/cuda_installation.ts";

/** What to say of a folder that lacks files of the provider's; null of one that has them all. */
export async function missingOfProvider(folder: string): Promise<string | null> {
  const names = Object.keys(PROVIDER.files);
  const there = await Promise.all(names.map((name) => isFile(join(folder, name))));
  const missing = names.filter((_, i) => !there[i]);
  if (missing.length === 0) return null;
  return `Expected ${names.join(" and ")}, of ${PROVIDER.package} ${PROVIDER.version} ` +
    `(there in ${PROVIDER.folder}), in ${folder} but did not find ${missing.join(" and ")}.`;
}
