import { ExpectedError, InputError } from "../../core/problem.ts";
import { makeFolder, naming } from "../../core/write_atomically.ts";
import { Lease } from "../../pipeline/store/lease.ts";
import type { Store } from "../../pipeline/store/store.ts";
import { CacheLink } from "./cache_link.ts";
import { cachePlace } from "./cache_place.ts";

/** Bytes that one object may have, unless more are allowed: tens of billions of weights in 16 bits. */
export const LARGEST_OBJECT = 100e9;

/**
 * Opens a cache to push to it. A folder that is not there is made here: the process may touch nothing above it.
 *
 * @param cache as a person names it
 * @throws InputError for an address that is none
 * @throws ExpectedError when the folder cannot be made
 */
export async function openPush(store: Store, cache: string): Promise<CacheLink> {
  const place = cachePlace(cache);
  if (place.kind === "folder") await naming(place.folder, () => makeFolder(place.folder));
  return new CacheLink({ place, store: store.path, limit: LARGEST_OBJECT }, "place");
}

/** A cache that is pulled from: one process a store at a time, since what is cut off is gone on with. */
export interface PullLink extends AsyncDisposable {
  readonly link: CacheLink;
}

/**
 * Opens a cache to pull from it.
 *
 * @param cache as a person names it
 * @throws InputError for an address that is none, or that is asked offline
 * @throws ExpectedError when another process pulls into this store
 */
export async function openPull(
  store: Store,
  { cache, limit = LARGEST_OBJECT, offline = false }: {
    readonly cache: string;
    readonly limit?: number;
    readonly offline?: boolean;
  },
): Promise<PullLink> {
  const place = cachePlace(cache);
  if (offline && place.kind !== "folder") {
    const message = "Expected a folder with --offline, which asks nothing of the network.";
    throw new InputError([{ path: "the cache", message }]);
  }
  const lease = await store.leases.take("pull", Date.now());
  if (!(lease instanceof Lease)) {
    throw new ExpectedError(`Another process pulls into ${store.path}; wait for its end.`);
  }
  const link = new CacheLink({ place, store: store.path, limit }, "store");
  return {
    link,
    [Symbol.asyncDispose]: async () => {
      await link[Symbol.asyncDispose]();
      lease.release();
    },
  };
}
