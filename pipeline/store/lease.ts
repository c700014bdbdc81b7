import { join } from "node:path";
import {
  explainFailure,
  isMissing,
  naming,
  readTextIfThere,
  removeIfThere,
  writeAllSync,
} from "../../core/write_atomically.ts";
import {
  ageOf,
  changedAt,
  holderIn,
  isForeign,
  isLockedWithoutName,
  isOfHere,
  type LeaseHolder,
  stampOf,
  timeIn,
} from "./lease_file.ts";
import { encodeName } from "./names.ts";
import { parseObject } from "./records.ts";
import { isAt } from "./store_lock.ts";
import { readNames } from "./walk_sharded.ts";

/** How often a holder shows that it lives, and after how long a silence it is taken for dead. */
export interface Pace {
  readonly beatMs: number;
  readonly silentMs: number;
}

/** Twelve missed beats: a busy file server, or a process that reads a large file, misses a few. */
const PACE: Pace = { beatMs: 5_000, silentMs: 60_000 };

/**
 * Rights to single things of a store, a file each: a key's computation, a run, a turn.
 *
 * On one machine the operating system's lock on the file says whether the holder lives; it ends with the
 * process, kill -9 included, and a stopped process keeps it. File systems that machines share do not all
 * pass such locks on. So the holder also writes a counter into the file, and a process on another machine
 * that could have the lock takes over only when it has seen the same count for `silentMs` of its own
 * steady clock: no two clocks are compared, and none that can be set. A holder that finds another name
 * in its file has lost it (`lost`) and gives way; one whose file is empty, as a full disk leaves it, has it
 * still and shows life by the file's time, and one that cannot read it looks again for `silentMs`. Where locks
 * are not passed on and two machines take over in the same instant, both may work for one beat: results are by
 * content, so that costs time alone.
 */
export class Leases {
  /** What was last read of leases that other machines hold, and since when it has been so. */
  #seen = new Map<string, { readonly stamp: string; readonly since: number }>();

  constructor(private readonly folder: string, private readonly pace: Pace = PACE) {}

  /**
   * Takes a lease, or says who holds it.
   * @param now milliseconds since the epoch, kept for people
   */
  async take(name: string, now: number): Promise<Lease | LeaseHolder> {
    const path = join(this.folder, encodeName(name));
    return await naming(path, async () => {
      await Deno.mkdir(this.folder, { recursive: true });
      for (;;) {
        const opened = await openOrCreate(path);
        if (opened === null) continue; // it was there, and is gone
        const { file, created } = opened;
        if (created) await file.lock(true);
        else if (!await file.tryLock(true)) {
          file.close();
          return holderIn(path);
        }
        if (!isAt(file, path)) { // released between opening and locking
          file.close();
          continue;
        }
        if (!created && !this.#isDead(path)) {
          file.close();
          return holderIn(path);
        }
        this.#seen.delete(path);
        return new Lease(file, { path, now, pace: this.pace });
      }
    });
  }

  /**
   * Takes all of some leases or none.
   * @returns them, or who holds the first that is not free
   */
  async takeAll(names: readonly string[], now: number): Promise<HeldLeases | LeaseHolder> {
    const held: Lease[] = [];
    for (const name of names) {
      const lease = await this.take(name, now);
      if (lease instanceof Lease) held.push(lease);
      else {
        held.forEach((one) => one.release());
        return lease;
      }
    }
    return new HeldLeases(held);
  }

  /**
   * Who holds a lease now; null for nobody. Asking disturbs nobody but a process that would take it in the
   * same instant, which asks again.
   */
  async holder(name: string): Promise<LeaseHolder | null> {
    const path = join(this.folder, encodeName(name));
    try {
      using file = await Deno.open(path, { read: true });
      if (!await file.tryLock(false)) return holderIn(path);
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
    const holder = holderIn(path);
    if (holder.host === null || holder.host === Deno.hostname()) return null;
    return ageOf(path) < this.pace.silentMs ? holder : null;
  }

  /** True where somebody holds a lease, or did and was killed. */
  isTaken(name: string): boolean {
    return readTextIfThere(join(this.folder, encodeName(name))) !== null;
  }

  /** True where another machine left leases, dead ones too. */
  hasForeign(): boolean {
    return this.#unseen().length > 0;
  }

  /** Those of other machines, but for such as name nobody and are locked: locks are seen then. */
  #unseen(): string[] {
    return this.#paths().filter((path) => isForeign(path) && !isLockedWithoutName(path));
  }

  /**
   * True where another machine left leases that may live still: those that were written to within ten
   * times the silence after which a holder is dead. Both times are the file system's own, so that no two
   * clocks are compared; that it may be set at that moment is what the ten times are for.
   */
  hasRecentForeign(): boolean {
    const foreign = this.#paths().filter(isForeign);
    if (foreign.length === 0) return false;
    try {
      const now = timeIn(this.folder);
      return foreign.some((path) => now - changedAt(path) < 10 * this.pace.silentMs);
    } catch {
      return true; // it cannot be told now
    }
  }

  /**
   * Waits until every lease of another machine has shown that its holder lives, or that it does not.
   * @returns the holders that live
   */
  async foreignHolders(): Promise<LeaseHolder[]> {
    const before = new Map(this.#unseen().map((path) => [path, stampOf(path)]));
    const begun = performance.now();
    const living = new Map<string, LeaseHolder>();
    while (living.size < before.size && performance.now() - begun < this.pace.silentMs) {
      await new Promise((resolve) => setTimeout(resolve, this.pace.beatMs / 5));
      for (const [path, stamp] of before) {
        const now = stampOf(path);
        if (now === undefined || isOfHere(path)) before.delete(path);
        else if (now !== null && now !== stamp) living.set(path, holderIn(path));
      }
    }
    return [...living.values()];
  }

  /** Removes the files that dead holders left. The caller knows that no one else is at the store. */
  clear(): void {
    for (const path of this.#paths()) removeIfThere(path);
  }

  #paths(): string[] {
    return readNames(this.folder).map((name) => join(this.folder, name));
  }

  /** Of a file whose lock is free: of this machine, its holder is gone; of another, after a silence. */
  #isDead(path: string): boolean {
    if (isOfHere(path)) return true;
    const stamp = stampOf(path);
    if (typeof stamp !== "string") return false;
    const seen = this.#seen.get(path);
    if (seen?.stamp !== stamp) {
      this.#seen.set(path, { stamp, since: performance.now() });
      return false;
    }
    return performance.now() - seen.since >= this.pace.silentMs;
  }
}

/** A lease that this process holds; it shows that it lives until `release`. */
export class Lease implements Disposable {
  /** Why other machines cannot see who holds it, such as a full disk, as a sentence; null where they can. */
  readonly unseen: string | null;
  #file: Deno.FsFile | null;
  #beat = 0;
  #unreadSince: number | null = null;
  readonly #path: string;
  readonly #since: string;
  readonly #silentMs: number;
  readonly #token = crypto.randomUUID();
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #lost = new AbortController();

  /** @param file open, locked, at `path` */
  constructor(
    file: Deno.FsFile,
    { path, now, pace }: { path: string; now: number; pace: Pace },
  ) {
    this.#file = file;
    this.#path = path;
    this.#since = new Date(now).toISOString();
    this.#silentMs = pace.silentMs;
    file.truncateSync(0);
    const failure = this.#write();
    this.unseen = failure === null ? null : messageOf(explainFailure(failure, path));
    this.#timer = setInterval(() => this.#showLife(), pace.beatMs);
    Deno.unrefTimer(this.#timer);
  }

  /** Aborted, for a reason in a sentence, when another machine took it over or it cannot be read any more. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Lets others in; a second call does nothing. A file that cannot be removed is that of a dead holder. */
  release(): void {
    if (this.#file === null) return;
    clearInterval(this.#timer);
    try {
      if (this.#isOurs(readTextIfThere(this.#path))) removeIfThere(this.#path);
    } catch {
      // Its lock is free all the same, and it shows no more life.
    }
    this.#file.close();
    this.#file = null;
  }

  [Symbol.dispose](): void {
    this.release();
  }

  #showLife(): void {
    try {
      const text = readTextIfThere(this.#path);
      if (this.#isOurs(text)) this.#write();
      else if (text === null) this.#lose(`Its lease ${this.#path} is gone: somebody removed it.`);
      else this.#lose("Another machine took it over, since this process was silent for too long.");
      this.#unreadSince = null;
    } catch (error) { // a file server that is away comes back
      this.#unreadSince ??= performance.now();
      const seconds = (performance.now() - this.#unreadSince) / 1000;
      if (seconds * 1000 < this.#silentMs) return;
      const since = `for ${Math.round(seconds)} s: ${messageOf(error)}`;
      this.#lose(`Its lease ${this.#path} could not be read ${since}`);
    }
  }

  #lose(reason: string): void {
    clearInterval(this.#timer);
    this.#lost.abort(reason);
  }

  /** A file that names nobody is ours while it is the one that was opened: what was to be in it had no room. */
  #isOurs(text: string | null): boolean {
    if (text === null) return false;
    const token = parseObject(text)?.token;
    return token === this.#token || token === undefined && isAt(this.#file!, this.#path);
  }

  /**
   * In place and in equal length, so that a full disk lets it.
   * @returns why it could not: the lock holds all the same, and other machines see a silence
   */
  #write(): unknown {
    const beat = String(this.#beat++).padStart(12, "0");
    const holder = { pid: Deno.pid, host: Deno.hostname(), since: this.#since, token: this.#token };
    const bytes = new TextEncoder().encode(`${JSON.stringify({ ...holder, beat })}\n`);
    try {
      this.#file!.seekSync(0, Deno.SeekMode.Start);
      writeAllSync(this.#file!, bytes);
      return null;
    } catch (error) {
      this.#touch(bytes.length);
      return error;
    }
  }

  /** Shows life where there is no room for a name: cutting a file needs none, and notes the time. */
  #touch(whole: number): void {
    try {
      if (this.#file!.statSync().size < whole) this.#file!.truncateSync(0);
    } catch {
      // A file server that is away is asked again at the next beat.
    }
  }
}

/** Several leases taken as one. */
export class HeldLeases implements Disposable {
  constructor(private readonly leases: readonly Lease[]) {}

  /** Aborted, for its reason, when one of them was lost. */
  get lost(): AbortSignal {
    return AbortSignal.any(this.leases.map(({ lost }) => lost));
  }

  /** Why other machines cannot see who holds them; null where they can. */
  get unseen(): string | null {
    return this.leases.find(({ unseen }) => unseen !== null)?.unseen ?? null;
  }

  /** Lets others in. */
  release(): void {
    this.leases.forEach((lease) => lease.release());
  }

  [Symbol.dispose](): void {
    this.release();
  }
}

async function openOrCreate(
  path: string,
): Promise<{ file: Deno.FsFile; created: boolean } | null> {
  try {
    const file = await Deno.open(path, { read: true, write: true, createNew: true });
    return { file, created: true };
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
  try {
    return { file: await Deno.open(path, { read: true, write: true }), created: false };
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
