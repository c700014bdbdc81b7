import { ExpectedError } from "../../core/problem.ts";
import { parseObject } from "./records.ts";
import {
  isDiskFull,
  isMissing,
  naming,
  readTextIfThere,
  writeAll,
} from "../../core/write_atomically.ts";

const ADVICE = "one run at a time may change a store. " +
  "Wait for it to end, stop it, or choose another folder with --store.";

/** The right to change a store; held until `release`, or until the process ends in whatever way. */
export class StoreLock implements Disposable {
  #file: Deno.FsFile | null;

  private constructor(file: Deno.FsFile) {
    this.#file = file;
  }

  /**
   * Takes the lock, which the operating system frees when the process dies, kill -9 included.
   * @param now milliseconds since the epoch, shown to whoever finds the store locked
   * @param advice what whoever finds it locked is told, after who holds it
   * @throws ExpectedError naming the process that holds it and since when
   */
  static async take(path: string, now: number, advice: string = ADVICE): Promise<StoreLock> {
    for (;;) {
      const file = await naming(
        path,
        () => Deno.open(path, { read: true, write: true, create: true }),
      );
      if (!await file.tryLock(true)) {
        file.close();
        throw new ExpectedError(`${path} is held by ${describeHolder(path)}: ${advice}`);
      }
      if (await isAt(file, path)) {
        await noteHolder(file, now);
        return new StoreLock(file);
      }
      file.close();
    }
  }

  /** The process that holds a lock, as far as it left word of itself; null when it is free. */
  static async holder(path: string): Promise<{ readonly pid: number | null } | null> {
    try {
      using file = await Deno.open(path, { read: true });
      if (await file.tryLock(false)) return null;
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
    const pid = parseObject(readTextIfThere(path))?.pid;
    return { pid: typeof pid === "number" ? pid : null };
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
 * Whether a file still lies where it was opened: a holder that removed it before it let go leaves a lock
 * on no file that anyone else will find.
 */
async function isAt(file: Deno.FsFile, path: string): Promise<boolean> {
  const opened = await file.stat();
  try {
    const there = await Deno.stat(path);
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
