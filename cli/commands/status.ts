import { join } from "node:path";
import { formatBytes, formatSeconds } from "../../pipeline/reporters/quantities.ts";
import type { RunRecord } from "../../pipeline/store/records.ts";
import { StoreLock } from "../../pipeline/store/store_lock.ts";
import { printJson, printResult } from "../output.ts";
import { openStore } from "../session.ts";

const SHOWN_RUNS = 10;

/** Prints the last runs and what the store holds, or the rows of a query on the catalog. */
export async function status(
  options: { sql?: string; store?: string; json: boolean },
): Promise<void> {
  const store = openStore(options.store);
  if (options.sql !== undefined) {
    const { queryCatalog } = await import("../../pipeline/store/catalog.ts");
    const rows = await queryCatalog(store, options.sql);
    if (options.json) return printJson(rows);
    const names = Object.keys(rows[0] ?? {});
    return printResult(
      [names.join("\t"), ...rows.map((row) => names.map((name) => String(row[name])).join("\t"))]
        .join("\n"),
    );
  }
  const records = store.listRuns().map((run) => store.readRun(run)).filter((run) => run !== null);
  const open = records.some((record) => record.status === "running");
  const holder = open ? await StoreLock.holder(join(store.path, "lock")) : null;
  const runs = records.map((record) => brief(record, holder));
  const digests = store.listObjects();
  const bytes = digests.reduce((sum, digest) => sum + (store.readArtifact(digest)?.bytes ?? 0), 0);
  const keys = store.listKeys().length;
  if (options.json) {
    return printJson({
      store: store.path,
      objects: digests.length,
      bytes,
      keys,
      runs,
    });
  }
  const lines = runs.slice(-SHOWN_RUNS).map(runLine);
  printResult([
    ...(lines.length === 0 ? ["No runs yet."] : lines),
    `${store.path}: ${digests.length} objects (${formatBytes(bytes)}), ${keys} keys`,
  ].join("\n"));
}

/** A run as `status` tells it: one that goes on under no process was killed. */
function brief(
  { run, recipe, status, startedAt, seconds, instances, pid }: RunRecord,
  holder: Awaited<ReturnType<typeof StoreLock.holder>>,
) {
  const count = (state: string) => instances.filter((one) => one.state === state).length;
  const [ran, cached, failed] = ["ran", "cached", "failed"].map(count);
  const alive = holder !== null && (holder.pid ?? pid) === pid;
  const counts = { ran, cached, failed };
  if (status !== "running") return { run, recipe, status, startedAt, seconds, ...counts };
  if (!alive) return { run, recipe, status: "killed", startedAt, seconds, ...counts };
  return { run, recipe, status, pid, startedAt, seconds, ...counts };
}

function runLine(shown: ReturnType<typeof brief>): string {
  const { run, recipe, status, startedAt, seconds, ran, cached, failed } = shown;
  const process = "pid" in shown ? ` (process ${shown.pid})` : "";
  const time = seconds === null ? "" : ` in ${formatSeconds(seconds)}`;
  const failures = failed > 0 ? `, ${failed} failed` : "";
  return `${run}  ${startedAt}  ${recipe}  ${status}${process}${time}: ` +
    `${ran} ran, ${cached} cached${failures}`;
}
