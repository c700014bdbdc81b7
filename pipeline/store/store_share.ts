import { join } from "node:path";
import { ExpectedError } from "../../core/problem.ts";
import {
  explainFailure,
  readTextIfThere,
  removeIfThere,
  writeAllSync,
} from "../../core/write_atomically.ts";
import { isDigest } from "./names.ts";
import { StoreLock } from "./store_lock.ts";
import { readNames } from "./walk_sharded.ts";

const SUFFIX = ".uses";

/**
 * The right to read and add to a store beside others.
 *
 * What one of them uses, nobody may remove. At first nothing may be removed at all. A run, whose plan names
 * what it reads, then writes the keys down (`use`) and lets others remove the rest (`letRemove`). From then
 * on it looks for a result, or adds one, only while it keeps others from removing (`keep`), and writes that
 * key down too before they may go on.
 */
export class StoreShare implements Disposable {
  #uses: Deno.FsFile | null = null;

  private constructor(
    private readonly lock: StoreLock,
    private readonly removal: StoreLock,
    private readonly places: { readonly removal: string; readonly uses: string },
  ) {}

  /**
   * @param lock is released with the share, or when there is none
   * @param removal the file that one who removes has for itself
   * @param temporary the folder for the list of keys
   * @throws ExpectedError naming the process that removes and does not end
   */
  static async begin(lock: StoreLock, removal: string, temporary: string): Promise<StoreShare> {
    const uses = join(temporary, `${Deno.pid}-${crypto.randomUUID()}${SUFFIX}`);
    using stack = new DisposableStack();
    stack.use(lock);
    const kept = await StoreLock.join(removal, "short");
    stack.move();
    return new StoreShare(lock, kept, { removal, uses });
  }

  /** Writes down that the results of some keys are in use, until the share ends. */
  use(keys: readonly string[]): void {
    if (keys.length === 0) return;
    const { uses } = this.places;
    try {
      this.#uses ??= Deno.openSync(uses, { append: true, createNew: true });
      writeAllSync(this.#uses, new TextEncoder().encode(`${keys.join("\n")}\n`));
    } catch (error) {
      throw explainFailure(error, uses);
    }
  }

  /** Lets others remove what is not in use. */
  letRemove(): void {
    this.removal.release();
  }

  /** Runs an action during which nobody removes, and writes down the keys whose results it found or made. */
  async keep<T>(action: () => Promise<T>, keysOf: (result: T) => readonly string[]): Promise<T> {
    using _kept = await StoreLock.join(this.places.removal, "endless");
    const result = await action();
    this.use(keysOf(result));
    return result;
  }

  [Symbol.dispose](): void {
    this.#uses?.close();
    if (this.#uses !== null) removeIfThere(this.places.uses);
    this.removal.release();
    this.lock.release();
  }
}

/** The keys in use by those who share a store; of killed ones too, until somebody is alone there. */
export function usedKeys(temporary: string): string[] {
  return readNames(temporary).filter((name) => name.endsWith(SUFFIX)).flatMap((name) =>
    (readTextIfThere(join(temporary, name)) ?? "").split("\n").filter(isDigest)
  );
}

/**
 * Waits until nobody keeps others from removing.
 * @throws ExpectedError when somebody does so for longer than `patienceMs`
 */
export async function takeRemoval(
  path: string,
  now: number,
  patienceMs: number,
): Promise<StoreLock> {
  const begun = performance.now();
  for (;;) {
    const lock = await StoreLock.tryTake(path, now);
    if (lock !== null) return lock;
    if (performance.now() - begun >= patienceMs) {
      throw new ExpectedError(
        `${path} is held by a run that begins or ends, a push, a pull, or another gc: ` +
          "try again when it is done.",
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
