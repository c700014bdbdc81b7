import { join } from "node:path";
import type { Difference } from "../../pipeline/artifact.ts";
import { readBundle } from "../../pipeline/bundle/read_bundle.ts";
import type { BundleManifest } from "../../pipeline/bundle/manifest.ts";
import { shortDigests } from "../../pipeline/diff_text.ts";
import { diffJson } from "../../pipeline/diff_json.ts";
import { FolderTarget } from "../../pipeline/transfer/folder_target.ts";
import { receiveObject } from "../../pipeline/transfer/receive.ts";
import { removeTree } from "../../pipeline/store/store.ts";
import { artifactTypes } from "../../stages/artifact_types.ts";
import { artifactDigest } from "../artifact_digest.ts";
import { type Replayed, replayRun } from "../bundle/replay_run.ts";
import { thisHost } from "../host.ts";
import { reasonText } from "../plan_text.ts";
import { printJson, printNotice, printVerbatim } from "../output.ts";
import { userPath } from "../project.ts";

/** Options of `ballast replay`. */
export interface ReplayOptions {
  /** Bytes that the bundle may unpack to. */
  readonly limit: number;
  readonly json: boolean;
}

/** How one artifact came out. */
interface Outcome {
  readonly instance: string;
  readonly port: string;
  readonly before: string;
  /** Null where it could not be made. */
  readonly after: string | null;
  readonly differences: readonly Difference[];
}

/** Makes the tables of a bundle again, prints them, and says what differs; returns the exit code. */
export async function replay(path: string, { limit, json }: ReplayOptions): Promise<number> {
  const folder = await Deno.makeTempDir({ prefix: "ballast-replay-" });
  try {
    const places = { bundle: join(folder, "bundle"), store: join(folder, "store") };
    const manifest = await readBundle(userPath(path), { folder: places.bundle, limit });
    const replayed = await replayRun(manifest, places);
    const outcomes = await outcomesOf(replayed, places.bundle);
    if (json) printJson(summary(manifest, replayed, outcomes));
    else await tell(manifest, replayed, outcomes);
    return areEqual(outcomes) ? 0 : 1;
  } finally {
    await removeTree(folder);
  }
}

function areEqual(outcomes: readonly Outcome[]): boolean {
  return outcomes.every(({ before, after }) => before === after);
}

async function outcomesOf({ remade, result, store }: Replayed, bundle: string): Promise<Outcome[]> {
  const source = new FolderTarget(bundle);
  const outcomes: Outcome[] = [];
  for (const { instance, record } of remade) {
    for (const [port, { digest: before, type }] of Object.entries(record.outputs)) {
      const after = result.records.get(instance.id)?.outputs[port].digest ?? null;
      const known = artifactTypes.get(type)!;
      let differences: Difference[] = [];
      if (after !== null && after !== before) {
        const options = { store, digestOf: artifactDigest, limit: Infinity };
        await receiveObject(source, { digest: before, type }, options);
        const folders = [store.objectPath(before), store.objectPath(after)];
        if (store.hasObject(before)) {
          differences = await known.compare(folders[0], folders[1], 0);
        }
      }
      outcomes.push({ instance: instance.id, port, before, after, differences });
    }
  }
  return outcomes;
}

function summary(manifest: BundleManifest, replayed: Replayed, outcomes: readonly Outcome[]) {
  const { recipe, run, revision, ballast } = manifest;
  const { reasons, unknown, records, remade, result } = replayed;
  const made = new Set(remade.map(({ instance }) => instance.id));
  return {
    recipe,
    run,
    ballast,
    revision,
    equal: areEqual(outcomes),
    outcomes,
    failed: result.failed,
    given: [...records.keys()].filter((id) => !made.has(id)),
    differs: reasons,
    unknownStages: unknown,
    host: hostDifference(replayed),
  };
}

async function tell(
  manifest: BundleManifest,
  replayed: Replayed,
  outcomes: readonly Outcome[],
): Promise<void> {
  const { remade, result, store, reasons, unknown, records } = replayed;
  for (const { instance } of remade) {
    const report = Object.values(result.records.get(instance.id)?.outputs ?? {})
      .find(({ type }) => type === "report");
    if (report === undefined) continue;
    printVerbatim(await Deno.readTextFile(join(store.objectPath(report.digest), "table.txt")));
  }
  const { recipe, run, ballast, revision } = manifest;
  const commit = revision === null
    ? ""
    : `, commit ${revision.commit}${revision.clean ? "" : " with edits"}`;
  const given = records.size - remade.length;
  printNotice([
    `Run ${run} of ${recipe} (Ballast ${ballast}${commit}): ${remade.length} results made again, ` +
    `${given} taken as they are.`,
    ...reasons.map((reason) => `  here is another: ${reasonText(reason)}`),
    ...unknown.map((name) => `  this version has no stage ${name}`),
    ...hostDifference(replayed).map((one) => `  another machine: ${differenceText(one)}`),
    ...result.failed.map(({ id, error }) => `  ${id} failed: ${error}`),
    ...outcomes.flatMap(outcomeLines),
    areEqual(outcomes)
      ? `All ${outcomes.length} are equal to the bundle's, byte for byte.`
      : "Not all are equal to the bundle's.",
  ].join("\n"));
}

const SHOWN = 20;

function outcomeLines({ instance, port, before, after, differences }: Outcome): string[] {
  if (after === before) return [];
  if (after === null) return [`  ${instance} (${port}): not made`];
  const more = differences.length - SHOWN;
  return [
    `  ${instance} (${port}) differs: ${before.slice(0, 12)} → ${after.slice(0, 12)}`,
    ...differences.slice(0, SHOWN).map((one) => `    ${differenceText(one)}`),
    ...(more > 0 ? [`    and ${more} more`] : []),
  ];
}

function differenceText({ path, before, after }: Difference): string {
  return `${path}: ${shortDigests(before)} → ${shortDigests(after)}`;
}

/** The machine is in no key, but may be why bytes differ. */
function hostDifference({ remade }: Replayed): readonly Difference[] {
  return diffJson({ ...remade[0].record.host }, { ...thisHost() });
}
