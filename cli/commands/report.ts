import { ExpectedError, InputError, nearest } from "../../core/problem.ts";
import { openInBrowser } from "../open_in_browser.ts";
import { printJson, printNotice, printResult } from "../output.ts";
import { type Published, publishedReports } from "../published_reports.ts";
import { openStore } from "../session.ts";

/** Options of `ballast report`. */
export interface ReportOptions {
  readonly open: boolean;
  readonly store?: string;
  readonly json: boolean;
}

/**
 * Prints where a published report lies, the newest unless one is named, and opens it where asked to.
 *
 * @throws ExpectedError when there is none yet
 * @throws InputError when there is none of that name
 */
export async function report(name: string | undefined, options: ReportOptions): Promise<void> {
  const store = openStore(options.store);
  const reports = publishedReports(store);
  if (reports.length === 0) {
    throw new ExpectedError(
      `${store.path} holds no report yet. \`deno task reproduce\` makes one.`,
    );
  }
  const found = choose(reports, name);
  if (options.json) printJson({ name: found.name, page: found.page });
  else printResult(found.page);
  if (name === undefined && reports.length > 1) {
    const others = reports.slice(1).map((one) => one.name).join(", ");
    printNotice(`The newest; there are also ${others}.`);
  }
  if (!options.open) return;
  const problem = await openInBrowser(found.page);
  if (problem !== null) printNotice(`It was not opened: ${problem}. Open the file above yourself.`);
}

function choose(reports: readonly Published[], name: string | undefined): Published {
  const found = name === undefined ? reports[0] : reports.find((one) => one.name === name);
  if (found !== undefined) return found;
  const names = reports.map((one) => one.name);
  throw new InputError([{
    path: "report",
    message: `Expected a published report (${names.join(", ")}) but found "${name}".`,
    nearest: nearest(name ?? "", names),
  }]);
}
