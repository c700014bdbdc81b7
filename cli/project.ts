import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The project's folder: where `deno.json`, the recipes and `node_modules` are. */
export const PROJECT_FOLDER = fileURLToPath(new URL("..", import.meta.url)).replace(/\/$/, "");

/** The folders that hold code, which a worker may read. */
export const CODE_FOLDERS = ["core", "pipeline", "data", "train", "eval", "reports", "stages"];

/** What a process that is started over the project's code is told of it. */
export const CODE = {
  deno: Deno.execPath(),
  projectFolder: PROJECT_FOLDER,
  codeFolders: CODE_FOLDERS,
} as const;

/** Where the user stands: `deno task` changes the folder and says in INIT_CWD where it was. */
export function userFolder(): string {
  return Deno.env.get("INIT_CWD") ?? Deno.cwd();
}

/** A path that a person gave, made absolute. */
export function userPath(path: string): string {
  return resolve(userFolder(), path);
}

/** The store's folder unless another is named. */
export const DEFAULT_STORE = join(PROJECT_FOLDER, ".ballast");
