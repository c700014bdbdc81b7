import { dirname, join } from "node:path";
import type { Instance } from "../pipeline/instance.ts";
import type { PlanContext } from "../pipeline/plan.ts";
import type { RunResult } from "../pipeline/run.ts";
import { requireWhole } from "../pipeline/store/check_object.ts";
import { encodeName } from "../pipeline/store/names.ts";
import { ARTIFACT_FILE } from "../pipeline/store/seal_folder.ts";
import { removeTree } from "../pipeline/store/store.ts";
import { withFileLock } from "../pipeline/store/store_lock.ts";
import { naming } from "../core/write_atomically.ts";
import type { ReportInput } from "../reports/report_input.ts";
import type { RunFacts } from "../reports/run_facts.ts";
import { PROVENANCE_FILE } from "./published.ts";
import type { FinishedRun } from "./run_facts.ts";
import { typeset } from "./typeset.ts";

/** A report put where a person finds it. */
export interface PublishedReport {
  readonly instance: string;
  /** The page to open. */
  readonly page: string;
  /** The main table as text. */
  readonly table: string;
  /** Why there is no PDF; null where there is one, or nothing was published anew. */
  readonly notice: string | null;
}

/** What `publishReports` needs to know of a run beside its result. */
export interface Publication extends FinishedRun {
  readonly context: PlanContext;
  /** All that the recipe has: a run of some of it leaves the reports of the rest where they are. */
  readonly instances: readonly Instance[];
}

const MARK = ".published";

/**
 * Puts every report of a run below `<store>/reports/<recipe>/`: the artifact's files, and a page
 * rendered anew with what is known of the run (times, versions, keys), and a PDF where LaTeX is
 * installed. A report that is there already, from a run that did the same, is left alone.
 */
export async function publishReports(
  result: RunResult,
  publication: Publication,
): Promise<PublishedReport[]> {
  const published: PublishedReport[] = [];
  const { store, recipe } = publication.context;
  const reports = [...result.records].flatMap(([instance, record]) =>
    Object.values(record.outputs).filter(({ type }) => type === "report")
      .map(({ digest }) => ({ instance, digest }))
  );
  const single =
    publication.instances.filter(({ stage }) =>
      Object.values(stage.outputs).some(({ type }) => type === "report")
    ).length === 1;
  for (const { instance, digest } of reports) {
    const folder = join(store.path, "reports", recipe, ...single ? [] : [encodeName(instance)]);
    const source = store.objectPath(digest);
    await requireWhole([{ path: source, digest }]);
    const mark = [...result.records.values()].map(({ key }) => key).sort().join("\n");
    const stale = result.ran.length > 0 || !await isPublished(folder, mark);
    const place = { source, folder, mark, report: { instance, digest } };
    const notice = stale ? await naming(folder, () => publish(place, result, publication)) : null;
    published.push({
      instance,
      page: join(folder, "index.html"),
      table: await Deno.readTextFile(join(source, "table.txt")),
      notice,
    });
  }
  return published;
}

async function isPublished(folder: string, mark: string): Promise<boolean> {
  try {
    return await Deno.readTextFile(join(folder, MARK)) === mark;
  } catch {
    return false;
  }
}

/**
 * Writes the folder among the store's temporary ones and moves it to its place, so that no half report is
 * ever seen and the next run sweeps what a kill leaves.
 *
 * @returns why there is no PDF in it; null where there is one
 */
async function publish(
  place: { source: string; folder: string; mark: string; report: RunFacts["report"] },
  result: RunResult,
  publication: Publication,
): Promise<string | null> {
  const { renderReport, traceReport } = await import("../reports/html_report.ts");
  const { runFacts } = await import("./run_facts.ts");
  const input = JSON.parse(
    await Deno.readTextFile(join(place.source, "report.json")),
  ) as ReportInput;
  const facts = await runFacts(result, publication, place.report);
  const { store } = publication.context;
  const fresh = await store.attemptFolder();
  await copyFolder(place.source, fresh);
  const files: Record<string, string> = {
    "index.html": renderReport(input, facts),
    [PROVENANCE_FILE]: `${JSON.stringify(traceReport(input, facts))}\n`,
  };
  for (const [name, text] of Object.entries(files)) {
    await Deno.writeTextFile(join(fresh, name), text);
  }
  const notice = await typeset(fresh);
  await Deno.writeTextFile(join(fresh, MARK), place.mark);
  await Deno.chmod(fresh, 0o755);
  await Deno.mkdir(dirname(place.folder), { recursive: true });
  await withFileLock(join(store.path, "reports.lock"), async () => {
    await removeTree(place.folder);
    await Deno.rename(fresh, place.folder);
  });
  return notice;
}

async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copyFolder(join(from, name), join(to, name));
    else if (name !== ARTIFACT_FILE && name !== "index.html") {
      await Deno.writeFile(join(to, name), await Deno.readFile(join(from, name)));
    }
  }
}
