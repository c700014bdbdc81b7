import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { formatChecked, parseChecked } from "../core/checked_json.ts";
import { sha256 } from "../core/digest.ts";
import { readTextIfThere, writeAtomically } from "../core/write_atomically.ts";
import { fileStamp } from "./file_stamp.ts";
import { parseText, type RecipeText } from "./recipe.ts";
import type { Store } from "./store/store.ts";

/** The module that reads a text. */
const READER = fileURLToPath(new URL("./recipe_text.ts", import.meta.url));

/** What recipes said when they were last read, by the digest of their text, as the store remembers it. */
interface KeptTexts {
  readonly stamp: string;
  readonly texts: Readonly<Record<string, RecipeText>>;
}

/**
 * Recipes' texts as they were parsed before, in a file of the store: parsing the YAML of a large recipe
 * takes longer than all else of a run that has nothing to do. What reads them is told by the size and the
 * time of its own module and of the lock file.
 */
export class RecipeMemory {
  readonly #path: string;
  readonly #temporary: string;
  readonly #stamp: string;
  readonly #known: KeptTexts["texts"];
  readonly #used: Record<string, RecipeText> = {};

  private constructor(store: Store, projectFolder: string) {
    this.#path = join(store.path, "recipe_texts.json");
    this.#temporary = store.folder("tmp");
    this.#stamp = fileStamp([join(projectFolder, "deno.lock"), READER]);
    const kept = parseChecked(readTextIfThere(this.#path)) as KeptTexts | null;
    this.#known = kept?.stamp === this.#stamp ? kept.texts : {};
  }

  /** Reads what is remembered; a missing or damaged file is an empty memory. */
  static open(store: Store, projectFolder: string): RecipeMemory {
    return new RecipeMemory(store, projectFolder);
  }

  /** A recipe's text, parsed unless it was before; see `readRecipeText`. */
  async read(text: string, path: string): Promise<RecipeText> {
    const digest = sha256(text);
    const read = Object.hasOwn(this.#known, digest)
      ? this.#known[digest]
      : await parseText(text, path);
    return this.#used[digest] = read;
  }

  /** Keeps the texts that were read, and no others; called only where a run may write. */
  async save(): Promise<void> {
    const digests = Object.keys(this.#used);
    if (digests.every((digest) => Object.hasOwn(this.#known, digest))) return;
    const kept: KeptTexts = { stamp: this.#stamp, texts: this.#used };
    await writeAtomically(this.#path, formatChecked(kept), this.#temporary);
  }
}
