import {
  datasetInfo,
  HubApiError,
  InvalidApiResponseFormatError,
  listFiles,
  modelInfo,
} from "@huggingface/hub";
import { join } from "node:path";
import { readJsonIfThere } from "../../core/json_file.ts";
import { ExpectedError, InputError } from "../../core/problem.ts";
import { writeAtomically } from "../../core/write_atomically.ts";
import { type HubAccess, hubRequest, withRetries } from "./hub_fetch.ts";
import { refusal } from "./refusal.ts";

/** A data set or model on the hub, at a branch, tag or commit. */
export interface RepositoryName {
  readonly kind: "dataset" | "model";
  /** `owner/name`. */
  readonly name: string;
  readonly revision: string;
}

/** One file of a repository. */
export interface HubFile {
  /** Relative to the repository. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** What its bytes must digest to: SHA-256 of large files, git's SHA-1 of others. */
  readonly digest: { readonly algorithm: "sha256" | "git-sha1"; readonly hex: string };
}

/** A repository at one commit. */
export interface Repository extends RepositoryName {
  /** 40 hex digits. */
  readonly commit: string;
  readonly files: readonly HubFile[];
  /** The folder that its files go to. */
  readonly folder: string;
}

const COMMIT = /^[0-9a-f]{40}$/;

/** Whether a revision names a commit, which never changes. */
export function isPinned(revision: string): boolean {
  return COMMIT.test(revision);
}

/**
 * Resolves a revision to its commit and lists the files there. Both are kept in the cache, so that a
 * commit is asked for once, and everything can be found again offline.
 *
 * @param cache the folder of downloads, such as `.ballast/hub`
 * @throws InputError for a name that is none, and a file whose path leaves the folder
 * @throws ExpectedError when the hub refuses or lacks it, or offline when it is not in the cache
 */
export async function openRepository(
  repository: RepositoryName,
  { cache, access }: { readonly cache: string; readonly access: HubAccess },
): Promise<Repository> {
  checkName(repository);
  const { kind, name, revision } = repository;
  const place = join(cache, `${kind}s`, name);
  const commit = await resolveCommit(repository, { place, access });
  const listing = `${place}@${commit}.json`;
  const known = await readJsonIfThere<readonly HubFile[]>(listing);
  if (known === null && access.settings.offline) throw notThere(repository, access);
  const files = known ?? await list({ ...repository, commit }, access);
  for (const { path } of files) checkPath(path, name);
  if (known === null) await writeAtomically(listing, JSON.stringify(files));
  return { kind, name, revision, commit, files, folder: `${place}@${commit}` };
}

async function resolveCommit(
  repository: RepositoryName,
  { place, access }: { place: string; access: HubAccess },
): Promise<string> {
  const { kind, name, revision } = repository;
  if (isPinned(revision)) return revision;
  const file = `${place}@refs/${encodeURIComponent(revision)}`;
  if (access.settings.offline) {
    const known = await readJsonIfThere<string>(file);
    if (known === null || !COMMIT.test(known)) throw notThere(repository, access);
    return known;
  }
  const { sha } = await asked(access, repository, () => {
    const about = { name, revision, ...libraryOptions(access) };
    return kind === "dataset"
      ? datasetInfo({ ...about, additionalFields: ["sha"] })
      : modelInfo({ ...about, additionalFields: ["sha"] });
  });
  if (typeof sha !== "string" || !COMMIT.test(sha)) {
    throw new ExpectedError(`The hub named no commit for ${name} at ${revision}.`);
  }
  await writeAtomically(file, JSON.stringify(sha));
  return sha;
}

async function list(
  repository: RepositoryName & { readonly commit: string },
  access: HubAccess,
): Promise<HubFile[]> {
  const { kind, name, commit } = repository;
  const entries = await asked(access, repository, () =>
    Array.fromAsync(
      listFiles({
        repo: { type: kind, name },
        revision: commit,
        recursive: true,
        ...libraryOptions(access),
      }),
    ));
  return entries.filter(({ type }) => type === "file").map(({ path, size, oid, lfs }) => ({
    path,
    size: lfs?.size ?? size,
    digest: lfs === undefined
      ? { algorithm: "git-sha1" as const, hex: checkedHex(oid, path, 40) }
      : { algorithm: "sha256" as const, hex: checkedHex(lfs.oid, path, 64) },
  })).sort((a, b) => a.path < b.path ? -1 : 1);
}

function checkedHex(value: string | undefined, path: string, digits: number): string {
  if (value !== undefined && value.length === digits && /^[0-9a-f]+$/.test(value)) return value;
  throw new ExpectedError(`The hub gave no digest for ${path}, so that it could not be checked.`);
}

/** What every call of the library is given: the token never reaches it. */
export function libraryOptions(access: HubAccess) {
  const { endpoint } = access.settings;
  return {
    hubUrl: endpoint,
    fetch: ((input: string | URL | Request, init?: RequestInit) => {
      const headers = Object.fromEntries(new Headers(init?.headers));
      return withRetries(
        access,
        async () => await wholeAnswer(await hubRequest(access, String(input), headers), headers),
      );
    }) as typeof fetch,
  };
}

/** An answer read to its end, so that nothing stays open however the library uses it. */
async function wholeAnswer(
  response: Response,
  asked: Readonly<Record<string, string>>,
): Promise<Response> {
  const length = response.headers.get("Content-Length");
  if (asked.range === "bytes=0-0" && response.status === 200 && length !== null) {
    await response.body?.cancel(); // the server knows no ranges; only the size is wanted
    const headers = new Headers(response.headers);
    headers.set("Content-Range", `bytes 0-0/${length}`);
    return new Response(null, { status: 200, headers });
  }
  return new Response(await response.arrayBuffer(), response);
}

/** Runs a call of the library; what the hub says no to is told in our words. */
export async function asked<T>(
  access: HubAccess,
  repository: RepositoryName,
  call: () => Promise<T>,
): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof InvalidApiResponseFormatError || error instanceof SyntaxError) {
      throw new ExpectedError(
        `The hub's answer about ${repository.name} was not understood: ${error.message}.`,
      );
    }
    if (!(error instanceof HubApiError)) throw error;
    throw refusal(error.statusCode, String(error.data?.error ?? ""), { ...repository, access });
  }
}

function checkName({ name, revision }: RepositoryName): void {
  const segment = /^[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9_])?$/;
  const parts = name.split("/");
  if (parts.length > 2 || !parts.every((part) => segment.test(part) && !part.includes(".."))) {
    throw new InputError([{
      path: name,
      message: "Expected the name of a repository, such as owner/name, but found another text.",
    }]);
  }
  if (!/^[\w][\w./-]*$/.test(revision) || revision.includes("..")) {
    throw new InputError([{
      path: `${name}@${revision}`,
      message:
        "Expected a branch, a tag or a commit of 40 hex digits as revision but found another text.",
    }]);
  }
}

/** A listing is someone else's text: no path of it may leave the folder. */
function checkPath(path: string, name: string): void {
  const parts = path.split("/");
  const wrong = path === "" || /[\\\0:]/.test(path) ||
    parts.some((part) => part === "" || part === "." || part === ".." || part.endsWith(".part"));
  if (!wrong) return;
  throw new InputError([{
    path: name,
    message: `Expected paths inside the repository but found ${
      JSON.stringify(path)
    }; nothing was fetched.`,
  }]);
}

function notThere(
  { kind, name, revision }: RepositoryName,
  { settings }: HubAccess,
): ExpectedError {
  return new ExpectedError(
    `HF_HUB_OFFLINE is set, and the ${kind} ${name} at ${revision} has not been fetched before. Run this ` +
      `once with HF_HUB_OFFLINE unset (it asks ${settings.endpoint}), or take the files from another ` +
      "machine and name their folder instead of the hub.",
  );
}
