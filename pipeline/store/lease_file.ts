import { isMissing, readTextIfThere, removeIfThere } from "../../core/write_atomically.ts";
import { parseObject } from "./records.ts";

/** The process that holds a lease, as far as it left word of itself. */
export interface LeaseHolder {
  readonly pid: number | null;
  readonly host: string | null;
}

/** Who left word of itself in a lease. */
export function holderIn(path: string): LeaseHolder {
  const { pid, host } = parseObject(textOf(path)) ?? {};
  return {
    pid: typeof pid === "number" ? pid : null,
    host: typeof host === "string" ? host : null,
  };
}

/** True of a lease that names this machine. */
export function isOfHere(path: string): boolean {
  return holderIn(path).host === Deno.hostname();
}

/** One that cannot be read, or names nobody, as a full disk leaves it, may be anybody's. */
export function isForeign(path: string): boolean {
  return stampOf(path) !== undefined && !isOfHere(path);
}

/** True of one that names nobody while somebody whose locks are seen here has it. */
export function isLockedWithoutName(path: string): boolean {
  if (holderIn(path).host !== null) return false;
  try {
    using file = Deno.openSync(path, { read: true });
    return !file.tryLockSync(false);
  } catch {
    return false;
  }
}

/** What is in a lease: nothing where there is none; null where it cannot be read now, as a file server's. */
function textOf(path: string): string | null {
  try {
    return readTextIfThere(path) ?? "";
  } catch {
    return null;
  }
}

/**
 * What a living holder changes: what is in a lease, or when it was written where it names nobody. Undefined
 * where there is none; null where it cannot be read now.
 */
export function stampOf(path: string): string | null | undefined {
  try {
    const text = Deno.readTextFileSync(path);
    return parseObject(text) === null ? `${changedAt(path)} ${text}` : text;
  } catch (error) {
    return isMissing(error) ? undefined : null;
  }
}

/** Milliseconds since a lease was written to, by this machine's clock. */
export function ageOf(path: string): number {
  try {
    return Date.now() - changedAt(path);
  } catch {
    return Infinity;
  }
}

/** Milliseconds since the epoch, by the clock of whoever keeps the file. */
export function changedAt(path: string): number {
  return Deno.statSync(path).mtime?.getTime() ?? 0;
}

/** What time a folder's file system gives a file that is made now. */
export function timeIn(folder: string): number {
  const path = Deno.makeTempFileSync({ dir: folder, prefix: "time-" });
  try {
    return changedAt(path);
  } finally {
    removeIfThere(path);
  }
}
