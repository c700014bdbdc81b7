import { ExpectedError } from "../../core/problem.ts";
import { writeBundle } from "../../pipeline/bundle/write_bundle.ts";
import { resolveRun } from "../../pipeline/diff.ts";
import { formatBytes } from "../../pipeline/reporters/quantities.ts";
import type { RunRecord } from "../../pipeline/store/records.ts";
import type { Store } from "../../pipeline/store/store.ts";
import { bundleContent } from "../bundle/bundle_content.ts";
import { printJson, printResult } from "../output.ts";
import { userPath } from "../project.ts";
import { openStore } from "../session.ts";

/** Options of `ballast bundle`. */
export interface BundleOptions {
  /** Whose last run is taken where none is named. */
  readonly recipe: string;
  readonly out?: string;
  readonly withWeights: boolean;
  readonly store?: string;
  readonly json: boolean;
}

/** Writes one archive of a run. */
export async function bundle(name: string | undefined, options: BundleOptions): Promise<void> {
  const store = openStore(options.store);
  const run = namedRun(store, name, options.recipe);
  const path = userPath(options.out ?? `${run.recipe}-${run.run}.tar.gz`);
  const content = await bundleContent(store, run, options);
  const { bytes, members } = await writeBundle(path, content);
  if (options.json) return printJson({ bundle: path, run: run.run, bytes, members });
  printResult(
    `${path}: run ${run.run} of ${run.recipe}, ${members} files, ${formatBytes(bytes)}. ` +
      "`ballast replay` makes its tables again.",
  );
}

/**
 * The run that a person names; the recipe's last that is done unless told.
 * @throws ExpectedError when there is none
 */
export function namedRun(store: Store, name: string | undefined, recipe: string): RunRecord {
  return name === undefined ? lastRun(store, recipe) : runOf(store, name);
}

function lastRun(store: Store, recipe: string): RunRecord {
  const records = store.listRuns().map((run) => store.readRun(run)).filter((run) => run !== null);
  const found = records.findLast((run) => run.recipe === recipe && run.status === "done");
  if (found !== undefined) return found;
  const known = [
    ...new Set(records.filter(({ status }) => status === "done").map((r) => r.recipe)),
  ];
  throw new ExpectedError(
    `${store.path} holds no run of ${recipe} that is done; there are runs of ${
      known.join(", ") || "nothing"
    }.`,
  );
}

function runOf(store: Store, name: string): RunRecord {
  const run = resolveRun(store, name);
  const record = store.readRun(run);
  if (record === null) throw new ExpectedError(`${store.path}/runs/${run}.json is damaged.`);
  return record;
}
