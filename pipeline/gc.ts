import { dirname, join } from "node:path";
import type { Json } from "../core/json.ts";
import { isDigest } from "./store/names.ts";
import { pulledKeys } from "./store/pulled.ts";
import { parseObject, type RunRecord } from "./store/records.ts";
import { listFiles } from "./store/seal_folder.ts";
import { removeTree, type Store } from "./store/store.ts";
import { usedKeys } from "./store/store_share.ts";
import { readNames } from "./store/walk_sharded.ts";
import { naming, readTextIfThere, syncPath } from "../core/write_atomically.ts";

/** Something in a store that no kept run needs. */
export interface Garbage {
  readonly kind: "object" | "key" | "scratch" | "quarantine";
  /** Relative to the store. */
  readonly path: string;
  readonly bytes: number;
  /** What it was, for a person: `train/dpo@seed=1 of tiny`. */
  readonly what: string;
}

/** What a collection would remove, or has removed. */
export interface GarbageList {
  readonly garbage: readonly Garbage[];
  readonly bytes: number;
  /** Runs whose results stay. */
  readonly keptRuns: readonly string[];
  readonly keptObjects: number;
  readonly keptKeys: number;
}

/** What to keep. */
export interface KeepOptions {
  /** Keeps the newest so many runs, instead of the last and the last finished of every recipe. */
  readonly runs?: number;
  /** Keeps quarantined things, and scratch of unfinished keys, this many days after their last change. */
  readonly days?: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** How long to wait, in milliseconds, while others begin to use something; a minute unless told. */
  readonly patienceMs?: number;
}

/**
 * Lists what no kept run needs; removes nothing.
 *
 * Kept are the results of the kept runs, the last result of every instance of every recipe, what a recipe's
 * last pull took, what those who share the store use, and all that those were made from: objects named in a
 * kept key's document, and the keys that made them; and the scratch of a key that somebody computes.
 *
 * @throws RangeError when `runs` or `days` is not a whole number, 0 or more
 */
export function listGarbage(store: Store, options: KeepOptions): GarbageList {
  for (
    const [name, value] of Object.entries({ runs: options.runs ?? 0, days: options.days ?? 0 })
  ) {
    if (!Number.isInteger(value) || value < 0) {
      throw new RangeError(`Expected ${name} to be an integer of at least 0 but found ${value}.`);
    }
  }
  const objects = store.listObjects();
  const keys = keyUses(store, new Set(objects));
  const runs = keptRuns(store, options.runs);
  const used = usedKeys(store.folder("tmp"));
  const roots = new Set([
    ...runs.flatMap(keysOf),
    ...lastKeys(store),
    ...pulledKeys(store),
    ...used,
  ]);
  const kept = reachable(keys, roots);
  const oldest = options.now - (options.days ?? 14) * 86_400_000;
  const garbage = [
    ...unneededKeys(store, keys, kept.keys),
    ...unneededObjects(store, objects, kept.objects),
    ...oldScratch(store, { oldest, roots }),
    ...oldQuarantine(store, oldest),
    ...oldIncoming(store, oldest),
  ];
  return {
    garbage,
    bytes: garbage.reduce((sum, item) => sum + item.bytes, 0),
    keptRuns: runs.map(({ run }) => run),
    keptObjects: kept.objects.size,
    keptKeys: kept.keys.size,
  };
}

/**
 * Removes what `listGarbage` lists, listed anew while nobody begins to use more of the store; runs go on
 * beside it. Keys go before objects, and are gone from the disk before the first of these, so that neither
 * a kill nor a power cut in between leaves a key without its results.
 *
 * @throws ExpectedError when another process has the store for itself, or does not let others remove
 */
export async function collectGarbage(store: Store, options: KeepOptions): Promise<GarbageList> {
  if (!store.exists()) return listGarbage(store, options);
  using _right = await store.collect(options.now, options.patienceMs ?? 60_000);
  const list = listGarbage(store, options);
  const isKey = ({ kind }: Garbage) => kind === "key";
  const keys = list.garbage.filter(isKey).map(({ path }) => join(store.path, path));
  await removeWhole(store, keys);
  for (const folder of new Set(keys.map(dirname))) await syncPath(folder);
  const others = list.garbage.filter((one) => !isKey(one));
  await removeWhole(store, others.map(({ path }) => join(store.path, path)));
  return list;
}

/** So many names fit into the block that a new folder has: a full disk takes no more. */
const IN_A_GRAVE = 64;

/** Graves that are cleared at once: a file system mostly waits. */
const GRAVES = 8;

/** Takes each thing out of its place at once; what a kill leaves of them is swept by who is next alone. */
async function removeWhole(store: Store, paths: readonly string[]): Promise<void> {
  let at = 0;
  const clear = async () => {
    while (at < paths.length) {
      const taken = paths.slice(at, at += IN_A_GRAVE);
      const grave = await store.attemptFolder();
      for (const [i, path] of taken.entries()) {
        await naming(path, () => Deno.renameSync(path, join(grave, String(i))));
      }
      await removeTree(grave);
    }
  };
  const outcomes = await Promise.allSettled(Array.from({ length: GRAVES }, clear));
  for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
}

function keptRuns(store: Store, newest: number | undefined): RunRecord[] {
  const runs = store.listRuns().map((run) => store.readRun(run)).filter((run) => run !== null);
  if (newest !== undefined) return newest === 0 ? [] : runs.slice(-newest);
  const last = new Map<string, RunRecord>();
  for (const run of runs) {
    last.set(`last of ${run.recipe}`, run);
    if (run.status === "done") last.set(`last finished of ${run.recipe}`, run);
  }
  const kept = new Set(last.values());
  return runs.filter((run) => kept.has(run));
}

function keysOf(run: RunRecord): string[] {
  return run.instances.map(({ key }) => key).filter((key) => key !== null);
}

function lastKeys(store: Store): string[] {
  const folder = store.folder("instances");
  if (sizeAndTime(folder) === null) return [];
  return listFiles(folder)
    .map((path) => parseObject(readTextIfThere(join(folder, path)))?.key)
    .filter((key) => typeof key === "string");
}

/** What of a key record decides what stays; the records of a large store would not fit into memory. */
interface KeyUse {
  /** For a person: `train/dpo@seed=1 of tiny`. */
  readonly what: string;
  readonly acceptedFrom: string | undefined;
  /** Objects in the store that it gave, and objects that it names. */
  readonly outputs: readonly string[];
  readonly reads: readonly string[];
}

/** Each key's use; `null` for a damaged one. */
function keyUses(store: Store, objects: ReadonlySet<string>): Map<string, KeyUse | null> {
  return new Map(
    store.listKeys().map((key) => {
      const record = store.readKey(key);
      if (record === null) return [key, null];
      const { instance, recipe, acceptedFrom, outputs, fields } = record;
      return [key, {
        what: `${instance} of ${recipe}`,
        acceptedFrom,
        outputs: Object.values(outputs).map(({ digest }) => digest).filter((one) =>
          objects.has(one)
        ),
        reads: namedIn(fields, objects),
      }];
    }),
  );
}

function reachable(
  keys: ReadonlyMap<string, KeyUse | null>,
  roots: Iterable<string>,
): { keys: Set<string>; objects: Set<string> } {
  const makers = new Map<string, string[]>();
  for (const [key, use] of keys) {
    for (const digest of use?.outputs ?? []) {
      const made = makers.get(digest);
      if (made === undefined) makers.set(digest, [key]);
      else made.push(key);
    }
  }
  const kept = { keys: new Set<string>(), objects: new Set<string>() };
  const pending = [...roots];
  for (let key = pending.pop(); key !== undefined; key = pending.pop()) {
    const use = keys.get(key);
    if (!use || kept.keys.has(key)) continue;
    kept.keys.add(key);
    if (use.acceptedFrom !== undefined) pending.push(use.acceptedFrom);
    for (const digest of [...use.outputs, ...use.reads]) {
      if (kept.objects.has(digest)) continue;
      kept.objects.add(digest);
      for (const maker of makers.get(digest) ?? []) pending.push(maker);
    }
  }
  return kept;
}

/** The objects that a document names anywhere. */
function namedIn(value: Json, objects: ReadonlySet<string>): string[] {
  if (typeof value === "string") return objects.has(value) ? [value] : [];
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap((inner) => namedIn(inner, objects));
}

function unneededKeys(
  store: Store,
  keys: ReadonlyMap<string, KeyUse | null>,
  kept: ReadonlySet<string>,
): Garbage[] {
  return [...keys].filter(([key]) => !kept.has(key)).map(([key, use]) => {
    return item("key", { store, path: store.keyPath(key), what: use?.what ?? "a damaged key" });
  });
}

function unneededObjects(
  store: Store,
  objects: readonly string[],
  kept: ReadonlySet<string>,
): Garbage[] {
  return objects.filter((digest) => !kept.has(digest)).map((digest) => {
    const what = store.readArtifact(digest)?.type ?? "a damaged object";
    return item("object", { store, path: store.objectPath(digest), what });
  });
}

function oldScratch(
  store: Store,
  keep: { oldest: number; roots: ReadonlySet<string> },
): Garbage[] {
  return children(store.folder("scratch")).flatMap((path) => {
    const key = path.slice(-64);
    if (store.leases.isTaken(key)) return [];
    const finished = isDigest(key) ? store.readKey(key) : null;
    const abandoned = !keep.roots.has(key) && lastChange(path) < keep.oldest;
    if (finished === null && !abandoned) return [];
    const what = finished === null ? "an abandoned attempt" : `${finished.instance}, finished`;
    return [item("scratch", { store, path, what })];
  });
}

function oldQuarantine(store: Store, oldest: number): Garbage[] {
  return children(store.folder("quarantine"))
    .filter((path) => lastChange(path) < oldest)
    .map((path) => item("quarantine", { store, path, what: "damaged, set aside by verify" }));
}

function oldIncoming(store: Store, oldest: number): Garbage[] {
  return children(store.folder("incoming"))
    .filter((path) => lastChange(path) < oldest)
    .map((path) => item("scratch", { store, path, what: "a pull that was cut off" }));
}

function item(
  kind: Garbage["kind"],
  { store, path, what }: { store: Store; path: string; what: string },
): Garbage {
  return { kind, path: path.slice(store.path.length + 1), bytes: bytesUnder(path), what };
}

function children(folder: string): string[] {
  return readNames(folder).map((name) => join(folder, name)).sort();
}

function bytesUnder(path: string): number {
  const own = sizeAndTime(path);
  if (own === null) return 0;
  if (!own.folder) return own.size;
  return children(path).reduce((sum, child) => sum + bytesUnder(child), 0);
}

/** The newest change time of a thing and all in it; 0 when it is not there. */
function lastChange(path: string): number {
  const own = sizeAndTime(path);
  if (own === null) return 0;
  const inner = own.folder ? children(path).map(lastChange) : [];
  return Math.max(own.changed, ...inner);
}

function sizeAndTime(path: string): { size: number; changed: number; folder: boolean } | null {
  try {
    const { size, ctime, mtime, isDirectory } = Deno.lstatSync(path);
    return { size, changed: (ctime ?? mtime)?.getTime() ?? 0, folder: isDirectory };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
