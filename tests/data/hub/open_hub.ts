import assert from "node:assert/strict";
import { fetchDataset } from "../../../data/hub/fetch_repository.ts";
import type { HubAccess } from "../../../data/hub/hub_fetch.ts";
import { readHubSettings } from "../../../data/hub/settings.ts";
import { FakeHub, type FakeRepository } from "./fake_hub.ts";

/** The commit of what the hub holds. */
export const COMMIT = "0123456789abcdef0123456789abcdef01234567";
/** A token that must appear nowhere. */
export const TOKEN = "hf_neverToBeSeen";
/** The bytes of a text. */
export const text = (content: string) => new TextEncoder().encode(content);
/** A row of pairs. */
export const row = (prompt: string) =>
  `${JSON.stringify({ prompt, chosen: "c", rejected: "r" })}\n`;
/** A content of 100,000 bytes. */
export const LARGE = Uint8Array.from({ length: 100_000 }, (_, i) => (i * 7 + (i >> 8)) & 255);

/** A data set of two splits, one of them a large file. */
export const dataset = (changes: Partial<FakeRepository> = {}): FakeRepository => ({
  commit: COMMIT,
  revisions: ["main", "v1.0"],
  files: {
    "README.md": { content: text("card") },
    "data/train_prefs.jsonl": { content: text(row("a") + row("b")) },
    "data/test_prefs.jsonl": { content: LARGE, large: true },
  },
  ...changes,
});

/** A hub, a cache, and what was told of a fetch. */
export interface Opened extends AsyncDisposable {
  readonly hub: FakeHub;
  readonly cache: string;
  readonly warnings: string[];
  readonly slept: number[];
  readonly progress: number[];
  access(environment?: Record<string, string>): HubAccess;
  fetch(revision?: string, environment?: Record<string, string>): ReturnType<typeof fetchDataset>;
}

/** Starts a hub that holds one repository. */
export async function openHub(
  repository: FakeRepository = dataset(),
  name = "datasets/o/d",
): Promise<Opened> {
  const hub = new FakeHub({ [name]: repository });
  const cache = await Deno.makeTempDir();
  const warnings: string[] = [];
  const slept: number[] = [];
  const progress: number[] = [];
  const access = (environment: Record<string, string> = {}): HubAccess => {
    const all: Record<string, string> = { HF_ENDPOINT: hub.endpoint, ...environment };
    return {
      settings: readHubSettings((variable) => all[variable]),
      moreHosts: [hub.storageHost],
      signal: new AbortController().signal,
      sleep: (milliseconds) => {
        slept.push(milliseconds);
        return Promise.resolve();
      },
      idleLimit: 60_000,
    };
  };
  return {
    hub,
    cache,
    warnings,
    slept,
    progress,
    access,
    fetch: (revision = COMMIT, environment = {}) =>
      fetchDataset({
        dataset: "o/d",
        revision,
        split: { train: "train_prefs", test: "test_prefs" },
      }, {
        cache,
        access: access(environment),
        warn: (message) => warnings.push(message),
        onProgress: (done) => progress.push(done),
      }),
    async [Symbol.asyncDispose]() {
      await hub[Symbol.asyncDispose]();
      await Deno.remove(cache, { recursive: true });
    },
  };
}

/** Every file below a folder. */
export async function filesUnder(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) found.push(...await filesUnder(path));
    else found.push(path);
  }
  return found.sort();
}

/** The error that a promise is rejected with. */
export async function rejection(promise: Promise<unknown>): Promise<Error> {
  return await promise.then(() => assert.fail("Expected a rejection."), (error) => error);
}
