import { fileDownloadInfo } from "@huggingface/hub";
import { dirname } from "node:path";
import { ExpectedError } from "../../core/problem.ts";
import { writeAll } from "../../core/write_atomically.ts";
import { cachedPath, digestContent, markWhole, stateOf } from "./cached_file.ts";
import { type HubAccess, hubRequest, Transient, withoutQuery, withRetries } from "./hub_fetch.ts";
import { asked, type HubFile, libraryOptions, type Repository } from "./repository.ts";

/** How files are fetched. */
export interface Download {
  readonly access: HubAccess;
  /** Told of bytes as they arrive, those there before included. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Told of files in the cache that are not what was listed, and so fetched anew. */
  readonly warn?: (message: string) => void;
}

/**
 * Fetches files of a repository, one after the other, and returns their paths in the cache, in order.
 * What is there, and has the listing's digest, is not asked for again. A file grows under the name `….part`; a later call goes on where an
 * earlier one was cut. It gets its name once its size and digest are those of the listing.
 *
 * @throws ExpectedError when the hub refuses or lacks a file, sends another content, or offline when
 * files are not in the cache (naming each and where to get it)
 */
export async function downloadFiles(
  repository: Repository,
  files: readonly HubFile[],
  { access, onProgress = () => {}, warn = () => {} }: Download,
): Promise<string[]> {
  const missing: Missing[] = [];
  for (const file of files) {
    const state = await stateOf(repository, file);
    if (state !== "whole") missing.push({ file, state });
  }
  if (missing.length > 0 && access.settings.offline) {
    throw missingOffline(repository, missing, access);
  }
  for (const { file, state } of missing) {
    if (state === "absent") continue;
    warn(`${cachedPath(repository, file)} is not what the hub lists: it is fetched anew.`);
  }
  const total = files.reduce((sum, { size }) => sum + size, 0);
  let before = 0;
  const paths: string[] = [];
  for (const file of files) {
    const progress = (done: number) => onProgress(before + done, total);
    if (missing.some((one) => one.file === file)) {
      await downloadFile(repository, file, { access, progress });
    }
    paths.push(cachedPath(repository, file));
    before += file.size;
    onProgress(before, total);
  }
  return paths;
}

/** A file that must be fetched: it is not there, or it is another one. */
interface Missing {
  readonly file: HubFile;
  readonly state: "differs" | "absent";
}

interface OneFile {
  readonly access: HubAccess;
  readonly progress: (done: number) => void;
}

async function downloadFile(
  repository: Repository,
  file: HubFile,
  { access, progress }: OneFile,
): Promise<void> {
  const path = cachedPath(repository, file);
  await Deno.mkdir(dirname(path), { recursive: true });
  const part = `${path}.${file.digest.hex.slice(0, 16)}.part`;
  using target = await Deno.open(part, { read: true, write: true, create: true });
  await target.lock(true); // whoever else fetches it waits here, and then finds it
  if (await stateOf(repository, file) === "whole") return;
  const url = await locate(repository, file, access);
  let furthest = -1;
  await withRetries(access, () => append(target, { url, file, access, progress }), () => {
    const { size } = target.statSync();
    const further = furthest >= 0 && size > furthest;
    furthest = Math.max(furthest, size);
    return further;
  });
  await verify(part, { repository, file });
  await target.sync();
  await Deno.rename(part, path);
  await markWhole(repository, file);
}

/**
 * Where a file's bytes are, after a look at its size and ETag there.
 *
 * @throws ExpectedError when the hub lacks it, or holds another file than it listed
 */
async function locate(
  repository: Repository,
  file: HubFile,
  access: HubAccess,
): Promise<string> {
  const { kind, name, commit } = repository;
  const info = await asked(access, repository, () =>
    fileDownloadInfo({
      repo: { type: kind, name },
      revision: commit,
      path: file.path.split("/").map(encodeURIComponent).join("/"),
      ...libraryOptions(access),
    }));
  if (info === null) {
    throw new ExpectedError(`The hub lists ${file.path} of ${name} but does not have it (404).`);
  }
  const etag = info.etag.replace(/^W\//, "").replaceAll('"', "");
  if (info.size === file.size && etag === file.digest.hex) return info.url;
  throw new ExpectedError(
    `Expected ${file.path} of ${name}@${commit} to be ${file.size} bytes with the ETag ${file.digest.hex} but ` +
      `the hub holds ${info.size} bytes with ${etag}.`,
  );
}

interface Appending extends OneFile {
  readonly url: string;
  readonly file: HubFile;
}

/** Adds what is missing at the end of a part; what arrives stays there, however the connection ends. */
async function append(target: Deno.FsFile, work: Appending): Promise<void> {
  const { file, progress } = work;
  let { size: at } = await target.stat();
  if (at > file.size) {
    await target.truncate(0);
    at = 0;
  }
  if (at === file.size) return;
  const response = await requestFrom(at, work);
  if (response === null) {
    await target.truncate(0);
    throw new Transient(`The hub knew no byte ${at} of ${file.path}.`);
  }
  if (response.status === 200 && at > 0) { // the server knows no ranges
    await target.truncate(0);
    at = 0;
  }
  await target.seek(at, Deno.SeekMode.Start);
  const place = () => `after ${at} of ${file.size} bytes of ${file.path}`;
  const reader = response.body?.getReader();
  while (reader !== undefined && at <= file.size) {
    const { value, done } = await reader.read().catch((error) => {
      if (!(error instanceof Transient)) throw error;
      throw new Transient(`${error.message.replace(/\.$/, "")} ${place()}.`);
    });
    if (done) break;
    await writeAll(target, value);
    at += value.length;
    progress(Math.min(at, file.size));
  }
  if (at > file.size) await reader?.cancel(); // more than was listed: the digest will say so
  if (at < file.size) throw new Transient(`The connection was cut ${place()}.`);
}

/**
 * Asks for a file's bytes from a place on; the answer is whole (200), or what was asked for (206), or null
 * where a server that misreads ranges says that nothing lies there (416).
 */
async function requestFrom(at: number, { url, access }: Appending): Promise<Response | null> {
  const response = await hubRequest(access, url, at > 0 ? { Range: `bytes=${at}-` } : {});
  const { status } = response;
  if (status === 200 || (status === 206 && startsAt(response, at))) return response;
  await response.body?.cancel();
  if (status === 416 && at > 0) return null;
  if (status === 206) {
    throw new Transient(`${withoutQuery(url)} sent another range than was asked for.`);
  }
  throw new ExpectedError(`${withoutQuery(url)} answered ${status}.`);
}

function startsAt(response: Response, at: number): boolean {
  return new RegExp(`^bytes ${at}-`).test(response.headers.get("Content-Range") ?? "");
}

/** Compares size and digest; a part that differs is removed, since going on with it would be in vain. */
async function verify(
  part: string,
  { repository, file }: { repository: Repository; file: HubFile },
): Promise<void> {
  const { algorithm, hex } = file.digest;
  const { size, hex: found } = await digestContent(part, file);
  if (size === file.size && found === hex) return;
  await Deno.remove(part);
  throw new ExpectedError(
    `Expected ${file.path} of ${repository.name}@${repository.commit} to be ${file.size} bytes with the ` +
      `${
        algorithm === "sha256" ? "SHA-256" : "git SHA-1"
      } ${hex} but found ${size} bytes with ${found}. It was ` +
      "removed; run this again to fetch it anew.",
  );
}

function missingOffline(
  repository: Repository,
  missing: readonly Missing[],
  { settings }: HubAccess,
): ExpectedError {
  const { kind, name, commit } = repository;
  const base = `${settings.endpoint}/${
    kind === "dataset" ? "datasets/" : ""
  }${name}/resolve/${commit}`;
  const lines = missing.map(({ file, state }) =>
    `  ${base}/${file.path} → ${cachedPath(repository, file)} (${file.size} bytes)` +
    (state === "differs" ? ", where another content lies now" : "")
  );
  return new ExpectedError(
    `HF_HUB_OFFLINE is set, and ${missing.length} files of ${name}@${commit} are not in the cache. Run this ` +
      `once with HF_HUB_OFFLINE unset, or fetch them elsewhere and put them here:\n${
        lines.join("\n")
      }`,
  );
}
