import { join } from "node:path";
import { entryOf } from "../../../core/instance_id.ts";
import { sha256 } from "../../../core/digest.ts";
import type { KeyRecord } from "../../../pipeline/store/records.ts";
import { Store } from "../../../pipeline/store/store.ts";

export const HOST = { isa: "x86-64", os: "linux", deno: "2.9.6" };

/** Runs a test on a store in a folder of its own, removed afterwards. */
export async function withStore(test: (store: Store) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "ballast-store-" });
  try {
    await test(Store.open(join(folder, ".ballast")));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Commits files as an object whose digest is that of `name`. */
export async function commitFiles(
  store: Store,
  name: string,
  files: Record<string, string>,
): Promise<string> {
  const folder = await store.attemptFolder();
  for (const [path, text] of Object.entries(files)) {
    await Deno.mkdir(join(folder, path, ".."), { recursive: true });
    await Deno.writeTextFile(join(folder, path), text);
  }
  const digest = sha256(name);
  await store.commitArtifact({ folder, type: "pairs", digest });
  return digest;
}

/** A key record with one output `out`. */
export function keyRecord(
  instance: string,
  digest: string,
  over: Partial<KeyRecord> = {},
): KeyRecord {
  return {
    key: sha256(instance),
    stage: entryOf(instance),
    instance,
    recipe: "tiny",
    fields: { stage: "train", params: { beta: 0.1 } },
    outputs: { out: { type: "pairs", digest, bytes: 3 } },
    seconds: 1.5,
    peakMemoryBytes: 1024,
    finishedAt: "2026-01-02T03:04:05.000Z",
    host: HOST,
    warnings: [],
    ...over,
  };
}
