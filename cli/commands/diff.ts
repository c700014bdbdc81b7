import { formatRunDifference } from "../../pipeline/diff_text.ts";
import { diffRuns, resolvePoint } from "../../pipeline/diff.ts";
import { artifactTypes } from "../../stages/artifact_types.ts";
import { printJson, printResult } from "../output.ts";
import { openStore } from "../session.ts";

/** Prints what differs between two runs. */
export async function diff(
  a: string,
  b: string,
  options: { tolerance: number; store?: string; json: boolean },
): Promise<void> {
  const store = openStore(options.store);
  const runs = { before: resolvePoint(store, a), after: resolvePoint(store, b) };
  const difference = await diffRuns(store, runs, {
    types: artifactTypes,
    tolerance: options.tolerance,
  });
  if (options.json) printJson(difference);
  else printResult(formatRunDifference(difference));
}
