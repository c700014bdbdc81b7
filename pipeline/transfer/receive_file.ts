import { digestFile } from "../../core/digest.ts";
import { ExpectedError } from "../../core/problem.ts";
import { isMissing, writeAll } from "../../core/write_atomically.ts";
import type { ArtifactRecord } from "../store/records.ts";
import type { ObjectSource } from "./object_source.ts";
import { SilenceError } from "./silence.ts";

/** How often in a row a source may fall silent without a byte more than it gave before. */
const MOST_SILENCES = 5;

/** A file that is to come. */
export interface Incoming {
  /** Where it lies in the source. */
  readonly from: string;
  /** Where what has come of it lies here. */
  readonly part: string;
  readonly file: ArtifactRecord["files"][number];
}

/**
 * Fetches what is missing of a part.
 *
 * @returns bytes that were fetched; null when the source lacks the file
 * @throws ExpectedError for what is cut off, of which the part stays, or what has other bytes than it should
 */
export async function receiveFile(
  source: ObjectSource,
  incoming: Incoming,
): Promise<number | null> {
  const { from, part, file } = incoming;
  const begin = await beginOf(incoming);
  const fetched = await fetchRest(source, incoming, begin);
  if (fetched === null) return null;
  const { size, sha256 } = await digestFile(part);
  if (size < file.size) throw cutOff(source, incoming, { came: size });
  if (sha256 === file.sha256) return fetched;
  await Deno.remove(part);
  if (begin > 0) return await receiveFile(source, incoming); // the part was of something else
  throw refused(source, from, "has other bytes than its list says");
}

/** Where to go on; a part of more bytes than the file is of something else. */
async function beginOf({ part, file }: Incoming): Promise<number> {
  const known = await sizeOf(part);
  return known > file.size ? 0 : known;
}

async function fetchRest(
  source: ObjectSource,
  incoming: Incoming,
  first: number,
): Promise<number | null> {
  const { from, part, file: { size } } = incoming;
  let fetched = 0;
  let most = first;
  let silences = 0;
  let whole = false;
  for (let begin = first; begin < size || size === 0; begin = await beginOf(incoming)) {
    let offset = begin;
    try {
      const opened = await source.open(from, begin);
      if (opened === null) return null;
      offset = opened.offset;
      whole = offset < begin;
      return fetched + await append(opened, source, incoming);
    } catch (error) {
      if (!(error instanceof SilenceError)) throw error;
      const came = await sizeOf(part);
      fetched += Math.max(0, came - offset);
      silences = came > most ? 0 : silences + 1;
      most = Math.max(most, came);
      if (silences > MOST_SILENCES) {
        throw cutOff(source, incoming, { came, why: error.message.replace(/\.$/, ""), whole });
      }
    }
  }
  return fetched;
}

async function append(
  { offset, bytes }: { readonly offset: number; readonly bytes: ReadableStream<Uint8Array> },
  source: ObjectSource,
  incoming: Incoming,
): Promise<number> {
  const { from, part, file: { size } } = incoming;
  using target = await Deno.open(part, { write: true, create: true });
  await target.truncate(offset);
  await target.seek(offset, Deno.SeekMode.Start);
  const reader = bytes.getReader();
  let at = offset;
  for (;;) {
    const { done, value } = await reader.read().catch((error) => {
      if (error instanceof SilenceError) throw error;
      throw cutOff(source, incoming, { came: at, why: error?.message ?? String(error) });
    });
    if (done) break;
    at += value.length;
    if (at > size) {
      await target.truncate(0);
      await reader.cancel().catch(() => {});
      throw refused(source, from, `has more than its ${size} bytes`);
    }
    await writeAll(target, value);
  }
  await target.sync();
  return at - offset;
}

/** @param end bytes that are here, what ended it, and whether the source gives no rest of a file */
function cutOff(
  source: ObjectSource,
  { from, file: { size } }: Incoming,
  end: { readonly came: number; readonly why?: string; readonly whole?: boolean },
): ExpectedError {
  const why = end.why === undefined ? "" : ` (${end.why})`;
  return new ExpectedError(
    `${source.name} was cut off in ${from}, after ${end.came} of ${size} bytes${why}. ` +
      (end.whole
        ? "It gives whole files alone, so that the same again begins this one anew."
        : "The same again asks for the rest."),
  );
}

/** What a source gave that is not what it should be. */
export function refused(source: ObjectSource, path: string, why: string): ExpectedError {
  return new ExpectedError(`${source.name} gave something else than it should: ${path} ${why}.`);
}

/** Bytes of a file; 0 where there is none. */
export async function sizeOf(path: string): Promise<number> {
  try {
    const { isFile, size } = await Deno.lstat(path);
    return isFile ? size : 0;
  } catch (error) {
    if (isMissing(error)) return 0;
    throw error;
  }
}
