import { join } from "node:path";
import { digestFile, digestJson } from "../core/digest.ts";
import type { Json } from "../core/json.ts";
import type { ArtifactType, Difference } from "./artifact.ts";
import { compareRecords } from "./fingerprint.ts";

/** Compares two versions of one file; gives `undefined` when it does not know this kind of file. */
export type FileComparison = (
  name: string,
  before: string,
  after: string,
  tolerance: number,
) => Promise<Difference[] | undefined>;

/**
 * An artifact type whose logical content is its files, name by name and byte by byte. JSON and JSON
 * lines are compared leaf by leaf, with the tolerance for numbers; other files as a whole.
 */
export function fileArtifact(
  options: { name: string; describe: string; compareFile?: FileComparison },
): ArtifactType {
  return {
    name: options.name,
    describe: options.describe,
    digest: async (folder) => {
      const entries = await Promise.all(
        fileNames(folder).map(async (name) =>
          [name, (await digestFile(join(folder, name))).sha256] as const
        ),
      );
      return digestJson(Object.fromEntries(entries));
    },
    facts: (folder) => Promise.resolve({ files: fileNames(folder).length }),
    compare: async (before, after, tolerance) => {
      const names = new Set([...fileNames(before), ...fileNames(after)]);
      const found: Difference[] = [];
      for (const name of [...names].sort()) {
        const pair = { name, before: join(before, name), after: join(after, name) };
        found.push(...await compareFiles(pair, tolerance, options.compareFile));
      }
      return found;
    },
  };
}

/** The record that the store keeps beside an artifact's files; it is no part of the content. */
const RECORD = "artifact.json";

function fileNames(folder: string, prefix = ""): string[] {
  return [...Deno.readDirSync(join(folder, prefix))].flatMap((entry) => {
    const name = `${prefix}${entry.name}`;
    if (entry.isDirectory) return fileNames(folder, `${name}/`);
    return name === RECORD ? [] : [name];
  }).sort();
}

async function compareFiles(
  { name, before, after }: { name: string; before: string; after: string },
  tolerance: number,
  compareFile: FileComparison | undefined,
): Promise<Difference[]> {
  const [a, b] = await Promise.all([before, after].map(digestOrNull));
  if (a === b) return [];
  if (a === null || b === null) {
    return [{ path: name, before: a ?? "absent", after: b ?? "absent" }];
  }
  const special = await compareFile?.(name, before, after, tolerance);
  if (special !== undefined) return special;
  if (!/\.jsonl?$/.test(name)) return [{ path: name, before: a, after: b }];
  const [left, right] = [await readRecords(before), await readRecords(after)];
  const found: Difference[] = [];
  compareRecords(left, right, (path, x, y) => {
    if (!withinTolerance(x, y, tolerance)) {
      found.push({ path: `${name}: ${path}`, before: shown(x), after: shown(y) });
    }
  });
  return found;
}

async function digestOrNull(path: string): Promise<string | null> {
  try {
    return (await digestFile(path)).sha256;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** JSON as records all the way down, so that lists are compared element by element. */
async function readRecords(path: string): Promise<Json> {
  const text = await Deno.readTextFile(path);
  if (!path.endsWith(".jsonl")) return asRecords(JSON.parse(text));
  return asRecords(text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line)));
}

function asRecords(value: Json): Json {
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, asRecords(item)]));
}

function withinTolerance(a: Json | undefined, b: Json | undefined, tolerance: number): boolean {
  if (typeof a !== "number" || typeof b !== "number") return false;
  return Math.abs(a - b) <= tolerance * Math.max(Math.abs(a), Math.abs(b));
}

function shown(value: Json | undefined): string {
  return value === undefined ? "absent" : JSON.stringify(value);
}
