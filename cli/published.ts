import { dirname, join } from "node:path";
import { ExpectedError, InputError, nearest } from "../core/problem.ts";
import { isMissing } from "../core/write_atomically.ts";
import type { Store } from "../pipeline/store/store.ts";
import { encodeName } from "../pipeline/store/names.ts";
import type { Provenance } from "../reports/provenance.ts";
import { type Published, publishedReports } from "./published_reports.ts";

/** The file beside a published report that says where its numbers come from. */
export const PROVENANCE_FILE = "provenance.json";

/**
 * Where the numbers of a recipe's last report come from, as the run that published it left it.
 *
 * @param name a recipe's, or RECIPE/INSTANCE: `tiny/report`
 * @throws InputError when there is no such report, with the nearest that there is
 * @throws ExpectedError when no report was published at all
 */
export function readProvenance(store: Store, name: string): Provenance {
  const [recipe, ...rest] = name.split("/");
  const instance = rest.join("/");
  const reports = publishedReports(store);
  const places = recipe === "" ? [] : [
    encodeName(recipe),
    ...(instance === "" ? [] : [`${encodeName(recipe)}/${encodeName(instance)}`]),
  ];
  const found = places.flatMap((place) => reports.find(({ name }) => name === place) ?? [])
    .map(read).find((one) => one !== null && (instance === "" || one.report.instance === instance));
  if (found) return found;
  const known = reports.map(read)
    .flatMap((one) => one === null ? [] : [`${one.recipe}/${one.report.instance}`]).sort();
  if (known.length === 0) {
    throw new ExpectedError(
      `${store.path} holds no report that says where its numbers come from. ` +
        "`deno task reproduce` with its --recipe publishes one.",
    );
  }
  const names = known.flatMap((report) => [report.split("/")[0], report]);
  const message = `Expected a report of the last runs (${known.join(", ")}) but found none.`;
  throw new InputError([{ path: name, message, nearest: nearest(name, names) }]);
}

/** Null for a report that an earlier version published, without such a file. */
function read({ page }: Published): Provenance | null {
  try {
    return JSON.parse(Deno.readTextFileSync(join(dirname(page), PROVENANCE_FILE)));
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}
