import { ExpectedError } from "../../core/problem.ts";
import { parseObject } from "./records.ts";
import {
  isDiskFull,
  isMissing,
  naming,
  readTextIfThere,
  writeAll,
} from "../../core/write_atomically.ts";

const ADVICE = "Wait for it to end, stop it, or choose another folder with --store.";

/** How long a run waits for one that sweeps; what takes longer, as `gc --delete` may, is told. */
const PATIENCE_MS = 10_000;

/** The right to change a store; held until `release`, or until the process ends in whatever way. */
export class StoreLock implements Disposable {
  #file: Deno.FsFile | null;

  private constructor(file: Deno.FsFile) {
    this.#file = file;
  }

  /**
   * Takes the lock for itself alone; the operating system frees it when the process dies, kill -9
   * included.
   * @param now milliseconds since the epoch, shown to whoever finds it locked
   * @param advice what whoever finds it locked is told, after who holds it
   * @throws ExpectedError naming the process that holds it and since when
   */
  static async take(path: string, now: number, advice: string = ADVICE): Promise<StoreLock> {
    const lock = await StoreLock.tryTake(path, now);
    if (lock !== null) return lock;
    throw new ExpectedError(`${path} is held by ${describeHolder(path)}: ${advice}`);
  }

  /** As `take`; null when another process, or another lock of this one, has it. */
  static async tryTake(path: string, now: number): Promise<StoreLock | null> {
    for (;;) {
      const file = await open(path);
      if (!await file.tryLock(true)) {
        file.close();
        return null;
      }
      if (isAt(file, path)) {
        await noteHolder(file, now);
        return new StoreLock(file);
      }
      file.close();
    }
  }

  /**
   * Takes the lock together with others who share it.
   * @param alone is called first where nobody else has the lock, who meanwhile cannot take it
   * @throws ExpectedError naming the process that has it for itself alone and does not end
   */
  static async share(path: string, now: number, alone: () => Promise<void>): Promise<StoreLock> {
    const file = await open(path);
    try {
      if (await file.tryLock(true)) {
        await noteHolder(file, now);
        await alone();
        await file.lock(false);
      } else await waitForShare(file, path);
    } catch (error) {
      file.close();
      throw error;
    }
    return new StoreLock(file);
  }

  /**
   * Takes the lock together with others who share it, and waits for one that has it alone.
   * @param patience `endless`, or `short` to be told who has it
   * @throws ExpectedError naming the process that has it, where the patience is short
   */
  static async join(path: string, patience: "short" | "endless"): Promise<StoreLock> {
    const file = await open(path);
    try {
      if (patience === "short") await waitForShare(file, path);
      else await file.lock(false);
    } catch (error) {
      file.close();
      throw error;
    }
    return new StoreLock(file);
  }

  /** Lets others in; a second call does nothing. */
  release(): void {
    this.#file?.close();
    this.#file = null;
  }

  [Symbol.dispose](): void {
    this.release();
  }
}

/**
 * Runs an action while no other process, nor another call in this one, runs one under the same file: for
 * what is read, changed and written within moments.
 * @param path the file that is locked, made when it is not there
 */
export async function withFileLock<T>(path: string, action: () => Promise<T>): Promise<T> {
  using file = await naming(path, () => Deno.open(path, { write: true, create: true }));
  await file.lock(true);
  return await action();
}

async function open(path: string): Promise<Deno.FsFile> {
  return await naming(path, () => Deno.open(path, { read: true, write: true, create: true }));
}

async function waitForShare(file: Deno.FsFile, path: string): Promise<void> {
  const begun = performance.now();
  while (!await file.tryLock(false)) {
    if (performance.now() - begun > PATIENCE_MS) {
      throw new ExpectedError(`${path} is held by ${describeHolder(path)}: ${ADVICE}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/**
 * Whether a file still lies where it was opened: a holder that removed it before it let go leaves a lock
 * on no file that anyone else will find.
 */
export function isAt(file: Deno.FsFile, path: string): boolean {
  const opened = file.statSync();
  try {
    const there = Deno.statSync(path);
    return opened.ino === there.ino && opened.dev === there.dev;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** A full disk does not keep anyone out: `gc`, which makes room, needs the lock as well. */
async function noteHolder(file: Deno.FsFile, now: number): Promise<void> {
  const holder = { pid: Deno.pid, host: Deno.hostname(), since: new Date(now).toISOString() };
  await file.truncate(0);
  try {
    await writeAll(file, new TextEncoder().encode(`${JSON.stringify(holder)}\n`));
  } catch (error) {
    if (!isDiskFull(error)) throw error;
  }
}

function describeHolder(path: string): string {
  const holder = parseObject(readTextIfThere(path));
  return holder === null
    ? "another process"
    : `process ${holder.pid} on ${holder.host}, since ${holder.since}`;
}
