import { digestFile } from "../../core/digest.ts";
import { type ArtifactRecord, parseArtifactRecord } from "./records.ts";
import { readTextIfThere, syncPath, writeAll } from "../../core/write_atomically.ts";

/** The file that describes an object, beside its files. */
export const ARTIFACT_FILE = "artifact.json";

/**
 * The files under a folder, with `/` between the parts of a path, in code-unit order.
 * @throws TypeError for what is neither a file nor a folder (an artifact holds no links)
 */
export function listFiles(folder: string): string[] {
  const files: string[] = [];
  const walk = (inner: string) => {
    for (const entry of Deno.readDirSync(`${folder}/${inner}`)) {
      const path = inner === "" ? entry.name : `${inner}/${entry.name}`;
      if (entry.isDirectory) walk(path);
      else if (entry.isFile) files.push(path);
      else throw new TypeError(`Expected ${path} to be a file or a folder but found a link.`);
    }
  };
  walk("");
  return files.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

/**
 * Turns a folder into an object that only awaits its rename: hashes its files, makes them read-only,
 * writes `artifact.json` and syncs all of it to the disk.
 *
 * @throws TypeError when it holds a link, or a file named `artifact.json`
 */
export async function sealFolder(
  folder: string,
  identity: { type: string; digest: string },
): Promise<ArtifactRecord> {
  const paths = listFiles(folder);
  if (paths.includes(ARTIFACT_FILE)) {
    throw new TypeError(
      `Expected no file named ${ARTIFACT_FILE} in an artifact: the store writes it.`,
    );
  }
  const files = [];
  for (const path of paths) {
    files.push({ path, ...await digestFile(`${folder}/${path}`) });
    await Deno.chmod(`${folder}/${path}`, 0o444);
    await syncPath(`${folder}/${path}`);
  }
  const bytes = files.reduce((sum, file) => sum + file.size, 0);
  const record: ArtifactRecord = {
    type: identity.type,
    digest: identity.digest,
    bytes,
    files: files.map(({ path, size, sha256 }) => ({ path, size, sha256 })),
  };
  await writeReadOnly(`${folder}/${ARTIFACT_FILE}`, `${JSON.stringify(record, null, 2)}\n`);
  for (const inner of foldersOf(paths)) {
    await syncPath(inner === "" ? folder : `${folder}/${inner}`);
  }
  return record;
}

/** The record of an object's folder when every file is there in its recorded size, else `null`. */
export function readSealed(folder: string): ArtifactRecord | null {
  const text = readTextIfThere(`${folder}/${ARTIFACT_FILE}`);
  const record = text === null ? null : parseArtifactRecord(text);
  if (record === null) return null;
  const whole = record.files.every(({ path, size }) => sizeOf(`${folder}/${path}`) === size);
  return whole ? record : null;
}

function sizeOf(path: string): number | null {
  try {
    return Deno.statSync(path).size;
  } catch {
    return null;
  }
}

async function writeReadOnly(path: string, text: string): Promise<void> {
  using file = await Deno.open(path, { write: true, createNew: true, mode: 0o444 });
  await writeAll(file, new TextEncoder().encode(text));
  await file.sync();
}

function foldersOf(paths: readonly string[]): string[] {
  const folders = new Set<string>([""]);
  for (const path of paths) {
    const parts = path.split("/");
    for (let depth = 1; depth < parts.length; depth++) folders.add(parts.slice(0, depth).join("/"));
  }
  return [...folders];
}
