import { dirname, join } from "node:path";
import { stringify } from "yaml";
import { isFile } from "../../core/is_file.ts";
import { ExpectedError } from "../../core/problem.ts";
import { holdsJudged, readJudged } from "../../eval/judge/judged_files.ts";
import { keptPlace } from "../../eval/judge/kept_answers.ts";
import { BUNDLE_FORMAT } from "../../pipeline/bundle/manifest.ts";
import type { BundleContent, BundleMember } from "../../pipeline/bundle/write_bundle.ts";
import { CodeIndex } from "../../pipeline/code_digest.ts";
import { StoredDigests } from "../../pipeline/digest_memory.ts";
import type { KeyFields } from "../../pipeline/fingerprint.ts";
import { moduleGraph } from "../../pipeline/module_graph.ts";
import { keyPlace, objectPlace } from "../../pipeline/store/names.ts";
import { formatKeyRecord, type KeyRecord, type RunRecord } from "../../pipeline/store/records.ts";
import { ARTIFACT_FILE } from "../../pipeline/store/seal_folder.ts";
import type { Store } from "../../pipeline/store/store.ts";
import { PROJECT_FOLDER, userFolder } from "../project.ts";
import { GRAPH_ROOT } from "../session.ts";
import { VERSION } from "../version.ts";
import { MEASURED_TYPES } from "./bundled_types.ts";
import { codeDigest, gitRevision, isCodeOf } from "./code_revision.ts";
import { hidePaths, LocalPlaces } from "./local_places.ts";

/** What may stand in no bundle. */
const SECRETS = ["HF_TOKEN", "JUDGE_API_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];
/** A shorter value would be found in texts by chance. */
const SHORTEST_SECRET = 8;

/**
 * All that a bundle of a run holds.
 *
 * @param withWeights every artifact's files, not only what was measured
 * @throws ExpectedError for a run that did not end well, and naming what is no longer in the store
 */
export async function bundleContent(
  store: Store,
  run: RunRecord,
  { withWeights }: { readonly withWeights: boolean },
): Promise<BundleContent> {
  const records = recordsOf(store, run);
  const places = new LocalPlaces(localFolders(store), run, records.values());
  const objects = objectsOf(store, records.values(), withWeights);
  const all = [...records.values()];
  const index = new CodeIndex(
    await moduleGraph(GRAPH_ROOT, store),
    PROJECT_FOLDER,
    StoredDigests.open(store),
  );
  return {
    manifest: {
      format: BUNDLE_FORMAT,
      ballast: VERSION,
      recipe: run.recipe,
      run: run.run,
      set: hidePaths(run.set ?? [], all).map((text) => places.hide(text)),
      sweep: [...run.sweep ?? []],
      revision: await isCodeOf(all, index) ? gitRevision() : null,
      code: codeDigest(all),
      instances: [...records].map(([id, { key }]) => ({ id, key })),
      objects: objects.filter(({ whole }) => whole).map(({ digest }) => digest),
    },
    members: [
      { path: "deno.lock", file: join(PROJECT_FOLDER, "deno.lock") },
      { path: "recipe/resolved.yaml", text: resolvedRecipe(run, records) },
      ...(run.recipeFiles ?? []).map(({ name, text }) => ({
        path: `recipe/${name}`,
        text: places.hide(text),
      })),
      ...keyMembers(all, places),
      ...objects.flatMap(({ digest, whole }) => objectMembers(store, digest, whole)),
      ...await judgmentMembers(store, all),
    ],
    secrets: secretsOf((name) => Deno.env.get(name)),
  };
}

/** The key record of each instance of a run. */
export function recordsOf(store: Store, run: RunRecord): Map<string, KeyRecord> {
  if (run.status !== "done") {
    throw new ExpectedError(
      `Run ${run.run} of ${run.recipe} is ${run.status}; a bundle is made of a run that is done.`,
    );
  }
  const records = new Map<string, KeyRecord>();
  const gone: string[] = [];
  for (const { id, key } of run.instances) {
    const record = key === null ? null : store.readKey(key);
    const outputs = Object.values(record?.outputs ?? {});
    if (record === null || !outputs.every(({ digest }) => store.hasObject(digest))) gone.push(id);
    else records.set(id, { ...record, instance: id, recipe: run.recipe });
  }
  if (gone.length > 0) {
    throw new ExpectedError(
      `${store.path} no longer holds what run ${run.run} gave: ${gone.join(", ")}. Run it again.`,
    );
  }
  return records;
}

function localFolders(store: Store): string[] {
  const home = Deno.env.get("HOME") ?? Deno.env.get("USERPROFILE") ?? "";
  return [store.path, dirname(store.path), PROJECT_FOLDER, userFolder(), home];
}

function objectsOf(store: Store, records: Iterable<KeyRecord>, withWeights: boolean) {
  const found = new Map<string, boolean>();
  for (const { outputs } of records) {
    for (const { digest } of Object.values(outputs)) {
      const { type } = store.readArtifact(digest)!;
      found.set(digest, withWeights || MEASURED_TYPES.has(type));
    }
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([digest, whole]) => ({
    digest,
    whole,
  }));
}

function objectMembers(store: Store, digest: string, whole: boolean): BundleMember[] {
  const folder = store.objectPath(digest);
  const files = whole ? store.readArtifact(digest)!.files.map(({ path }) => path) : [];
  return [ARTIFACT_FILE, ...files].map((file) => ({
    path: `${objectPlace(digest)}/${file}`,
    file: join(folder, file),
  }));
}

/** Instances with the same key share a record. */
function keyMembers(records: readonly KeyRecord[], places: LocalPlaces): BundleMember[] {
  const byKey = new Map(records.map((record) => [record.key, record]));
  return [...byKey.values()].map((record) => ({
    path: keyPlace(record.key),
    text: formatKeyRecord({
      ...record,
      warnings: record.warnings.map((warning) => places.hide(warning)),
    }),
  }));
}

/** Every parameter of every instance; of files and folders the digest of what they held. */
function resolvedRecipe(run: RunRecord, records: ReadonlyMap<string, KeyRecord>): string {
  const stages = Object.fromEntries([...records].map(([id, record]) => {
    const { stage, params, sources } = record.fields as unknown as KeyFields;
    const files = Object.keys(sources).length === 0 ? {} : { sources };
    return [id, { stage, params, ...files }];
  }));
  return stringify({ recipe: run.recipe, stages });
}

/** The answers that the run's judgments were read from, where they are kept. */
async function judgmentMembers(
  store: Store,
  records: readonly KeyRecord[],
): Promise<BundleMember[]> {
  const requests = new Set<string>();
  for (const { outputs } of records) {
    for (const { type, digest } of Object.values(outputs)) {
      if (type !== "judgments") continue;
      for (const request of await requestsIn(store.objectPath(digest))) requests.add(request);
    }
  }
  const members: BundleMember[] = [];
  for (const digest of requests) {
    const path = `judgments/${keptPlace(digest, "answered")}`;
    const file = join(store.path, path);
    if (await isFile(file)) members.push({ path, file });
  }
  return members;
}

async function requestsIn(folder: string): Promise<string[]> {
  if (!await holdsJudged(folder)) return []; // judgments of others, read from files
  const { judgments } = await readJudged(folder);
  return judgments.flatMap(({ request }) => request ?? []);
}

/** The secrets that this process was given. */
export function secretsOf(
  variable: (name: string) => string | undefined,
): ReadonlyMap<string, string> {
  return new Map(SECRETS.flatMap((name) => {
    const value = variable(name) ?? "";
    return value.length < SHORTEST_SECRET ? [] : [[name, value] as const];
  }));
}
