import { join } from "node:path";
import { formatChecked, parseChecked } from "../core/checked_json.ts";
import type { DigestMemory } from "./code_digest.ts";
import type { Store } from "./store/store.ts";
import { writeAtomically } from "../core/write_atomically.ts";

interface Entry {
  readonly size: number;
  readonly mtime: number;
  readonly digest: string;
}

/** Digests remembered in a file of the store, so that a run that has nothing to do reads no sources. */
export class StoredDigests implements DigestMemory {
  #entries: Map<string, Entry>;
  #changed = false;

  private constructor(
    private readonly path: string,
    /** A folder for files in the making. */
    private readonly temporary: string,
    entries: Map<string, Entry>,
  ) {
    this.#entries = entries;
  }

  /** Reads what is remembered; a missing or damaged file is an empty memory. */
  static open(store: Store): StoredDigests {
    const path = join(store.path, "digests.json");
    const entries = parseChecked(readOrNull(path)) as Record<string, Entry> | null;
    return new StoredDigests(path, store.folder("tmp"), new Map(Object.entries(entries ?? {})));
  }

  get(path: string): Entry | undefined {
    return this.#entries.get(path);
  }

  set(path: string, entry: Entry): void {
    this.#entries.set(path, entry);
    this.#changed = true;
  }

  /** Writes what is new; called only where a run may write. */
  async save(): Promise<void> {
    if (!this.#changed) return;
    const text = formatChecked(Object.fromEntries(this.#entries));
    await writeAtomically(this.path, text, this.temporary);
    this.#changed = false;
  }
}

/** What cannot be read for whatever reason is made anew. */
function readOrNull(path: string): string | null {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return null;
  }
}
