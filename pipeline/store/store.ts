import { dirname, join, resolve } from "node:path";
import { ExpectedError } from "../../core/problem.ts";
import type { CacheName } from "../stage.ts";
import { Leases } from "./lease.ts";
import { checkDigest, encodeName, isDigest, keyPlace, objectPlace } from "./names.ts";
import {
  type ArtifactRecord,
  formatKeyRecord,
  type InstanceRecord,
  type KeyRecord,
  parseKeyRecord,
  parseObject,
  type RunHeader,
  type RunRecord,
  STORE_FORMAT,
} from "./records.ts";
import { type ActiveRun, RunLog } from "./run_log.ts";
import { readSealed, sealFolder } from "./seal_folder.ts";
import { hasScratch, takeScratch } from "./scratch.ts";
import { StoreLock, withFileLock } from "./store_lock.ts";
import { StoreShare, takeRemoval } from "./store_share.ts";
import { Timings } from "./timings.ts";
import { walkSharded } from "./walk_sharded.ts";
import {
  isMissing,
  makeFolder,
  naming,
  readTextIfThere,
  syncPath,
  writeAtomically,
} from "../../core/write_atomically.ts";

/**
 * A content-addressed store in a folder: objects under the digest of their logical content, and key
 * records that say which objects an instance with a certain key gave.
 *
 * What is written is complete before it has its name (temporary name, sync, rename), so kill -9 at any
 * instant leaves a store without half objects. Reading is synchronous: a plan reads about a hundred small
 * files and has milliseconds for it. Those who `share()` it may add, many at once; beside them one may
 * `collect()`, which removes what they do not use; who takes it by `lock()` is alone.
 */
export class Store {
  readonly runs: RunLog;
  readonly timings: Timings;
  /** Who computes which key, and which runs go on. */
  readonly leases: Leases;
  #ready = false;

  private constructor(readonly path: string) {
    this.leases = new Leases(this.folder("leases"));
    this.runs = new RunLog(join(path, "runs"), this.folder("tmp"), this.leases);
    this.timings = new Timings(join(path, "timings.json"), this.folder("tmp"));
  }

  /**
   * The store in a folder, which need not exist: nothing is created before the first write.
   * @throws ExpectedError when a newer version of Ballast wrote it
   */
  static open(path: string): Store {
    const store = new Store(resolve(path));
    const marker = readTextIfThere(store.#marker);
    const format = parseObject(marker)?.format;
    if (marker !== null && typeof format !== "number") {
      throw new ExpectedError(
        `${store.#marker} is damaged. If this version of Ballast wrote the store, put ` +
          `{"format":${STORE_FORMAT}} into that file; else choose another folder with --store.`,
      );
    }
    if (marker !== null && format !== STORE_FORMAT) {
      throw new ExpectedError(
        `${store.path} has store format ${format}, and this version reads ` +
          `${STORE_FORMAT}: a newer Ballast wrote it. Update Ballast or choose another folder with --store.`,
      );
    }
    return store;
  }

  /** The path of a part of the store: `objects`, `keys`, `instances`, `scratch`, `tmp`, `quarantine`. */
  folder(part: string): string {
    return join(this.path, part);
  }

  /** True when something was ever written here. */
  exists(): boolean {
    return readTextIfThere(this.#marker) !== null;
  }

  /** The record of a key; `null` when there is none, or when its file is damaged (`verify` tells). */
  readKey(key: string): KeyRecord | null {
    const text = readTextIfThere(this.keyPath(key));
    const record = text === null ? null : parseKeyRecord(text, key);
    return typeof record === "string" ? null : record;
  }

  /** Where the record of a key lies. */
  keyPath(key: string): string {
    checkDigest(key, "key");
    return join(this.path, keyPlace(key));
  }

  /** All keys that have a file, in code-unit order. */
  listKeys(): string[] {
    return [...this.walkKeys()].flat();
  }

  /** The same in pieces: of many keys a few hundred are held at once. */
  walkKeys(): Generator<string[]> {
    return walkSharded(this.folder("keys"), ".json");
  }

  /** True when the object and all its files, in their recorded sizes, are there. */
  hasObject(digest: string): boolean {
    return this.readArtifact(digest) !== null;
  }

  /** The folder of an object. */
  objectPath(digest: string): string {
    checkDigest(digest, "digest");
    return join(this.path, objectPlace(digest));
  }

  /** What an object holds; `null` when it or one of its files is missing or cut short. */
  readArtifact(digest: string): ArtifactRecord | null {
    const record = readSealed(this.objectPath(digest));
    return record?.digest === digest ? record : null;
  }

  /** Digests of all objects, in code-unit order. */
  listObjects(): string[] {
    return [...this.walkObjects()].flat();
  }

  /** The same in pieces. */
  walkObjects(): Generator<string[]> {
    return walkSharded(this.folder("objects"), "");
  }

  /**
   * Takes a finished folder (from `attemptFolder`) into the store under its logical digest; the folder is
   * gone afterwards. When an object with this digest is there already, that one stays.
   *
   * @throws TypeError when the folder holds a link or a file named `artifact.json`
   */
  async commitArtifact(
    artifact: { folder: string; type: string; digest: string },
  ): Promise<ArtifactRecord> {
    const path = this.objectPath(artifact.digest);
    const present = this.readArtifact(artifact.digest);
    if (present !== null) {
      await removeTree(artifact.folder);
      return present;
    }
    return await naming(path, async () => {
      const record = await sealFolder(artifact.folder, artifact);
      await this.#prepare();
      await makeFolder(dirname(path));
      return await this.#putInPlace(artifact.folder, path, record);
    });
  }

  /** One at a time: two stages that give equal outputs would take each other's folder away. */
  #putInPlace(folder: string, path: string, record: ArtifactRecord): Promise<ArtifactRecord> {
    return withFileLock(join(this.path, "objects.lock"), async () => {
      const present = this.readArtifact(record.digest);
      if (present !== null) {
        await removeTree(folder);
        return present;
      }
      await removeTree(path); // what is here is no whole object
      await Deno.rename(folder, path);
      await syncPath(dirname(path));
      await syncPath(this.folder("objects"));
      return record;
    });
  }

  /**
   * Records what an instance gave, and for `explain` and estimates that it was the last to do so.
   * @param machine where it ran, for speeds; none for a result that was not made now
   * @throws RangeError when an output is not in the store
   */
  async commitKey(record: KeyRecord, machine?: string): Promise<void> {
    await this.adoptKey(record);
    await this.writeInstance(record.recipe, record);
    await this.timings.note(record, machine);
  }

  /**
   * Records what an instance gave elsewhere: no instance's last key becomes another.
   * @throws RangeError when an output is not in the store
   */
  async adoptKey(record: KeyRecord): Promise<void> {
    for (const [port, { digest }] of Object.entries(record.outputs)) {
      if (!this.hasObject(digest)) {
        throw new RangeError(
          `Expected output ${port} (${digest}) of ${record.instance} in the store.`,
        );
      }
    }
    await this.#prepare();
    await writeAtomically(this.keyPath(record.key), formatKeyRecord(record), this.folder("tmp"));
  }

  /** The last key of an instance of a recipe, or `null`. */
  readInstance(recipe: string, instance: string): InstanceRecord | null {
    const value = parseObject(readTextIfThere(this.#instancePath(recipe, instance)));
    if (value?.instance !== instance || typeof value.key !== "string" || !isDigest(value.key)) {
      return null;
    }
    return { instance, key: value.key };
  }

  /** Makes a key the last of an instance; writes nothing when it is so already. */
  async writeInstance(recipe: string, record: InstanceRecord): Promise<void> {
    const { instance, key } = record;
    if (this.readInstance(recipe, instance)?.key === key) return;
    await this.#prepare();
    const text = `${JSON.stringify({ instance, key })}\n`;
    await writeAtomically(this.#instancePath(recipe, instance), text, this.folder("tmp"));
  }

  /** A new empty folder for an attempt at an instance; who is next alone here sweeps what is left of it. */
  async attemptFolder(): Promise<string> {
    await this.#prepare();
    const tmp = this.folder("tmp");
    return await naming(tmp, () => Deno.makeTempDir({ dir: tmp, prefix: "attempt-" }));
  }

  /** True when a killed attempt with this key left something. */
  hasScratch(key: string): boolean {
    return hasScratch(this.#scratchPath(key));
  }

  /** The folder in which an attempt finds what earlier ones with this key left, and they no longer do. */
  async takeScratch(key: string): Promise<string> {
    await this.#prepare();
    return await takeScratch(this.#scratchPath(key));
  }

  /** Makes, if need be, the folder of a cache, which belongs to no key: downloads, for example. */
  async cacheFolder(name: CacheName): Promise<string> {
    const path = this.folder(name);
    await this.#prepare();
    await naming(path, () => makeFolder(path));
    return path;
  }

  /** Removes the scratch that an attempt took, if it has it still. */
  async dropScratch(path: string): Promise<void> {
    await removeTree(path);
    await Deno.remove(dirname(path)).catch(() => {}); // it holds the scratch of whoever took over
  }

  /** Begins a run: `append` takes its events, `finish` its outcome. */
  async startRun(header: RunHeader): Promise<ActiveRun> {
    await this.#prepare();
    return await this.runs.start(header);
  }

  /** The record of a run, or `null`. */
  readRun(run: string): RunRecord | null {
    return this.runs.read(run);
  }

  /** Ids of all runs, oldest first. */
  listRuns(): string[] {
    return this.runs.list();
  }

  /**
   * Takes the right to read and add, together with others who have it, and sweeps what killed attempts left
   * under `tmp/` where nobody else is at it. Nothing is removed until the share lets it, or ends.
   * @param now milliseconds since the epoch, shown to whoever finds the store locked
   * @throws ExpectedError naming the process that has the store for itself, or that removes from it
   */
  async share(now: number = Date.now()): Promise<StoreShare> {
    return await StoreShare.begin(await this.#join(now), this.#removalPath, this.folder("tmp"));
  }

  /**
   * Takes the right to remove what is not in use (`usedKeys`): those who share the store go on beside it,
   * and wait where they would use more of it.
   * @param now milliseconds since the epoch, shown to whoever has to wait
   * @param patienceMs how long it waits for those who share the store and do not let it
   * @throws ExpectedError where these do not end, a process has the store for itself, or runs go on on
   * another machine, whose locks may not be seen here
   */
  async collect(now: number, patienceMs: number): Promise<Disposable> {
    using stack = new DisposableStack();
    stack.use(await this.#join(now));
    await this.#refuseForeign();
    stack.use(await takeRemoval(this.#removalPath, now, patienceMs));
    return stack.move();
  }

  async #join(now: number): Promise<StoreLock> {
    await this.#prepare();
    return await StoreLock.share(this.#lockPath, now, async () => {
      if (!this.leases.hasRecentForeign()) await this.#sweep();
    });
  }

  /**
   * Takes the store for itself, to repair it, and sweeps what killed attempts left under `tmp/`.
   * @param now milliseconds since the epoch, shown to whoever finds the store locked
   * @throws ExpectedError naming the processes that hold it
   */
  async lock(now: number = Date.now()): Promise<StoreLock> {
    await this.#prepare();
    this.#refuse((await this.runs.living()).map(({ run, pid, host }) => {
      return `process ${pid} on ${host} (run ${run})`;
    }));
    using stack = new DisposableStack();
    const lock = stack.use(await StoreLock.take(this.#lockPath, now));
    await this.#refuseForeign();
    await this.#sweep();
    stack.move();
    return lock;
  }

  /** Where machines do not pass on their locks, their leases tell. */
  async #refuseForeign(): Promise<void> {
    const foreign = this.leases.hasForeign() ? await this.leases.foreignHolders() : [];
    this.#refuse(
      foreign.map(({ pid, host }) =>
        host === null ? "a process that had no room to write its name" : `process ${pid} on ${host}`
      ),
    );
  }

  #refuse(holders: readonly string[]): void {
    if (holders.length === 0) return;
    const they = holders.length === 1 ? "it" : "them";
    throw new ExpectedError(
      `${this.#lockPath} is held by ${holders.join(", ")}: ` +
        `Wait for ${they} to end, stop ${they}, or choose another folder with --store.`,
    );
  }

  async #sweep(): Promise<void> {
    this.leases.clear();
    for await (const { name } of Deno.readDir(this.folder("tmp"))) {
      await removeTree(join(this.folder("tmp"), name));
    }
  }

  get #lockPath(): string {
    return join(this.path, "lock");
  }

  get #removalPath(): string {
    return join(this.path, "removal.lock");
  }

  get #marker(): string {
    return join(this.path, "format.json");
  }

  #instancePath(recipe: string, instance: string): string {
    return join(this.path, "instances", encodeName(recipe), `${encodeName(instance)}.json`);
  }

  #scratchPath(key: string): string {
    return join(this.path, "scratch", checkDigest(key, "key"));
  }

  async #prepare(): Promise<void> {
    if (this.#ready) return;
    const folder = this.folder("tmp");
    await naming(folder, async () => {
      await makeFolder(folder);
      if (!this.exists()) {
        await Deno.writeTextFile(join(this.path, ".gitignore"), "*\n");
        const marker = `${JSON.stringify({ format: STORE_FORMAT })}\n`;
        // Not by way of tmp/, which another process may sweep: nobody has the lock yet.
        await writeAtomically(this.#marker, marker, this.path);
      }
    });
    this.#ready = true;
  }
}

/** Removes a folder and all in it; does nothing when it is not there. */
export async function removeTree(path: string): Promise<void> {
  await naming(path, async () => {
    try {
      await Deno.remove(path, { recursive: true });
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  });
}
