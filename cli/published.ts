import { join } from "node:path";
import { ExpectedError, InputError, nearest } from "../core/problem.ts";
import type { Store } from "../pipeline/store/store.ts";
import { encodeName } from "../pipeline/store/names.ts";
import type { Provenance } from "../reports/provenance.ts";

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
  const folder = join(store.path, "reports");
  const found = [
    ...(recipe === "" ? [] : [join(folder, encodeName(recipe))]),
    ...(recipe === "" || instance === ""
      ? []
      : [join(folder, encodeName(recipe), encodeName(instance))]),
  ].map((place) => read(join(place, PROVENANCE_FILE)))
    .find((one) => one !== null && (instance === "" || one.report.instance === instance));
  if (found) return found;
  const known = published(folder);
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

function read(path: string): Provenance | null {
  try {
    return JSON.parse(Deno.readTextFileSync(path));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return null;
    }
    throw error;
  }
}

/** Every published report, as RECIPE/INSTANCE. */
function published(folder: string): string[] {
  const folders = (path: string) => {
    try {
      return [...Deno.readDirSync(path)].filter(({ isDirectory }) => isDirectory)
        .map(({ name }) => join(path, name));
    } catch {
      return [];
    }
  };
  return folders(folder).flatMap((recipe) => [recipe, ...folders(recipe)])
    .map((place) => read(join(place, PROVENANCE_FILE)))
    .flatMap((found) => found === null ? [] : [`${found.recipe}/${found.report.instance}`]).sort();
}
