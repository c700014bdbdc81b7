import { join } from "node:path";
import { keyPlace } from "../../../pipeline/store/names.ts";
import { fileArtifact } from "../../../pipeline/file_artifact.ts";
import { keyOf } from "../../../pipeline/fingerprint.ts";
import type { KeyRecord } from "../../../pipeline/store/records.ts";
import { formatKeyRecord } from "../../../pipeline/store/records.ts";
import { Store } from "../../../pipeline/store/store.ts";
import type { ObjectSource } from "../../../pipeline/transfer/object_source.ts";
import { keyRecord } from "../store/fixture.ts";

/** The only type of artifact of these tests. */
const PAIRS = fileArtifact({ name: "pairs", describe: "files" });

/** How these tests hold what arrives to account. */
export const HONESTLY = {
  digestOf: (_: string, folder: string) => PAIRS.digest(folder),
  limit: 1e6,
};

/** Commits a result with files as a stage would, under the key of its fields. */
export async function commitResult(
  store: Store,
  instance: string,
  files: Readonly<Record<string, string>>,
): Promise<KeyRecord> {
  const folder = await store.attemptFolder();
  for (const [path, text] of Object.entries(files)) {
    await Deno.mkdir(join(folder, path, ".."), { recursive: true });
    await Deno.writeTextFile(join(folder, path), text);
  }
  const digest = await PAIRS.digest(folder);
  const { bytes } = await store.commitArtifact({ folder, type: "pairs", digest });
  const fields = {
    ...{ format: 1, stage: instance, params: { instance }, sources: {}, inputs: {} } as const,
    ...{ code: { modules: {}, packages: [] }, facts: {} },
  };
  const record = keyRecord(instance, digest, {
    ...{ key: keyOf(fields), stage: instance, fields, recipe: "toy" },
    outputs: { out: { type: "pairs", digest, bytes } },
  });
  await store.commitKey(record);
  return record;
}

/** All files of a store that a cache has, by their paths. */
export function filesOf(store: Store, records: readonly KeyRecord[]): Map<string, string> {
  const files = new Map<string, string>();
  for (const record of records) {
    files.set(keyPlace(record.key), formatKeyRecord(record));
    for (const { digest } of Object.values(record.outputs)) {
      const folder = store.objectPath(digest);
      const paths = ["artifact.json", ...store.readArtifact(digest)!.files.map(({ path }) => path)];
      for (const path of paths) {
        files.set(
          `objects/${digest.slice(0, 2)}/${digest}/${path}`,
          Deno.readTextFileSync(join(folder, path)),
        );
      }
    }
  }
  return files;
}

/** A source that gives what a test puts into it, and tells what it was asked for. */
export class PretendSource implements ObjectSource {
  readonly name = "the pretender";
  /** Each file that was opened, with the place where reading was to begin. */
  readonly opened: string[] = [];
  /** Files of which so many bytes come, and then an error. */
  readonly cuts = new Map<string, number>();
  /** Files that never end. */
  readonly endless = new Set<string>();

  constructor(readonly files: Map<string, string>) {}

  readText(path: string): Promise<string | null> {
    return Promise.resolve(this.files.get(path) ?? null);
  }

  open(path: string, offset: number) {
    this.opened.push(`${path.split("/").slice(3).join("/")} ${offset}`);
    const text = this.files.get(path);
    if (text === undefined) return Promise.resolve(null);
    const bytes = new TextEncoder().encode(text).subarray(offset);
    const cut = this.cuts.get(path);
    const endless = this.endless.has(path);
    const pieces = async function* () {
      yield cut === undefined ? bytes : bytes.subarray(0, cut);
      if (cut !== undefined) throw new TypeError("connection reset");
      while (endless) yield await Promise.resolve(new Uint8Array(1 << 16));
    };
    return Promise.resolve({ offset, bytes: ReadableStream.from(pieces()) });
  }
}
