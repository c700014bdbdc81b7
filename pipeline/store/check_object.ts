import { join } from "node:path";
import { digestFile } from "../../core/digest.ts";
import { ExpectedError, problemsOf } from "../../core/problem.ts";
import { readTextIfThere } from "../../core/write_atomically.ts";
import type { ArtifactType } from "../artifact.ts";
import { parseArtifactRecord } from "./records.ts";
import { ARTIFACT_FILE, listFiles } from "./seal_folder.ts";

/**
 * Reads an object and compares every byte with what was recorded when it was written.
 *
 * @param types recomputes the logical digest too, with the types named here
 * @returns what is wrong, each in a few words: `pairs.jsonl is missing`; and how many bytes were hashed
 */
export async function checkObject(
  folder: string,
  digest: string,
  types?: ReadonlyMap<string, ArtifactType>,
): Promise<{ faults: string[]; bytes: number }> {
  const text = readTextIfThere(join(folder, ARTIFACT_FILE));
  const record = text === null ? null : parseArtifactRecord(text);
  if (record === null) {
    return { faults: [`${ARTIFACT_FILE} is ${text === null ? "missing" : "damaged"}`], bytes: 0 };
  }
  const faults: string[] = [];
  if (record.digest !== digest) faults.push(`${ARTIFACT_FILE} names digest ${record.digest}`);
  let bytes = 0;
  for (const file of record.files) {
    const result = await hashIfThere(join(folder, file.path));
    bytes += result?.size ?? 0;
    if (result === null) faults.push(`${file.path} is missing`);
    else if (result.size !== file.size) {
      faults.push(`${file.path} has ${result.size} bytes instead of ${file.size}`);
    } else if (result.sha256 !== file.sha256) faults.push(`${file.path} has changed bytes`);
  }
  for (const fault of extraFiles(folder, new Set(record.files.map(({ path }) => path)))) {
    faults.push(fault);
  }
  const type = types?.get(record.type);
  if (type !== undefined && faults.length === 0) {
    const logical = await type.digest(folder).catch((error) => {
      faults.push(...problemsOf(error).map(({ message }) => message));
      return digest;
    });
    if (logical !== digest) faults.push(`its content has the logical digest ${logical}`);
  }
  return { faults, bytes };
}

function extraFiles(folder: string, known: ReadonlySet<string>): string[] {
  try {
    return listFiles(folder)
      .filter((path) => path !== ARTIFACT_FILE && !known.has(path))
      .map((path) => `${path} does not belong to it`);
  } catch (error) {
    if (error instanceof TypeError) return [error.message];
    throw error;
  }
}

async function hashIfThere(path: string) {
  try {
    return await digestFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.IsADirectory) {
      return null;
    }
    throw error;
  }
}

/**
 * Requires that objects which are about to be read are as they were written: a byte that changed since would
 * give a wrong result under a right key.
 *
 * @param objects their folders and digests
 * @throws ExpectedError naming each damaged object, what is wrong with it, and what mends it
 */
export async function requireWhole(
  objects: readonly { readonly path: string; readonly digest: string }[],
): Promise<void> {
  const damages: string[] = [];
  for (const { path, digest } of objects) {
    const { faults } = await checkObject(path, digest);
    if (faults.length > 0) damages.push(`${path}: ${faults.join("; ")}`);
  }
  if (damages.length === 0) return;
  throw new ExpectedError(
    `Damaged in the store:\n${damages.join("\n")}\n` +
      "`ballast verify --repair` moves what is damaged away, and the next run makes it again.",
  );
}
