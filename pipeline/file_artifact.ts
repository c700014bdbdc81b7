import { join } from "node:path";
import { digestFile, digestJson } from "../core/digest.ts";
import type { Json } from "../core/json.ts";
import type { ArtifactType, Difference } from "./artifact.ts";
import { differingLeaves, leafText } from "./diff_json.ts";
import { ARTIFACT_FILE, listFiles } from "./store/seal_folder.ts";

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
  options: {
    name: string;
    describe: string;
    compareFile?: FileComparison;
    /** How many files it has, unless given. */
    facts?: ArtifactType["facts"];
  },
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
    facts: options.facts ??
      ((folder) => Promise.resolve({ files: fileNames(folder).length })),
    compare: async (before, after, tolerance) => {
      const names = new Set([...fileNames(before), ...fileNames(after)]);
      const found: Difference[][] = [];
      for (const name of [...names].sort()) {
        const pair = { name, before: join(before, name), after: join(after, name) };
        found.push(await compareFiles(pair, tolerance, options.compareFile));
      }
      return found.flat();
    },
  };
}

/** The record that the store keeps beside an artifact's files is no part of the content. */
function fileNames(folder: string): string[] {
  return listFiles(folder).filter((name) => name !== ARTIFACT_FILE);
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
  return differingLeaves(left, right, { lists: true })
    .filter((leaf) => !withinTolerance(leaf.before, leaf.after, tolerance))
    .map((leaf) => leafText({ ...leaf, path: `${name}: ${leaf.path}` }));
}

async function digestOrNull(path: string): Promise<string | null> {
  try {
    return (await digestFile(path)).sha256;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

async function readRecords(path: string): Promise<Json> {
  const text = await Deno.readTextFile(path);
  if (!path.endsWith(".jsonl")) return JSON.parse(text);
  return text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
}

function withinTolerance(a: Json | undefined, b: Json | undefined, tolerance: number): boolean {
  if (typeof a !== "number" || typeof b !== "number") return false;
  return Math.abs(a - b) <= tolerance * Math.max(Math.abs(a), Math.abs(b));
}
