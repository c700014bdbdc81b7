import { join } from "node:path";
import { formatChecked, parseChecked } from "../core/checked_json.ts";
import type { DigestMemory } from "./code_digest.ts";
import type { Store } from "./store/store.ts";
import { withFileLock } from "./store/store_lock.ts";
import { writeAtomically } from "../core/write_atomically.ts";

interface Entry {
  readonly size: number;
  readonly mtime: number;
  readonly digest: string;
}

/** Digests remembered in a file of the store, so that a run that has nothing to do reads no sources. */
export class StoredDigests implements DigestMemory {
  #entries: Map<string, Entry>;
  #added = new Map<string, Entry>();

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
    return new StoredDigests(path, store.folder("tmp"), entriesIn(path));
  }

  get(path: string): Entry | undefined {
    return this.#entries.get(path);
  }

  set(path: string, entry: Entry): void {
    this.#entries.set(path, entry);
    this.#added.set(path, entry);
  }

  /** Adds what is new to what the file holds by now; called only where a run may write. */
  async save(): Promise<void> {
    if (this.#added.size === 0) return;
    await withFileLock(`${this.path}.lock`, async () => {
      const entries = new Map([...entriesIn(this.path), ...this.#added]);
      const text = formatChecked(Object.fromEntries(entries));
      await writeAtomically(this.path, text, this.temporary);
    });
    this.#added.clear();
  }
}

function entriesIn(path: string): Map<string, Entry> {
  const entries = parseChecked(readOrNull(path)) as Record<string, Entry> | null;
  return new Map(Object.entries(entries ?? {}));
}

/** What cannot be read for whatever reason is made anew. */
function readOrNull(path: string): string | null {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return null;
  }
}
