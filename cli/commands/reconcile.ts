import { join } from "node:path";
import { InputError } from "../../core/problem.ts";
import type { Instance } from "../../pipeline/instance.ts";
import type { RunResult } from "../../pipeline/run.ts";
import type { Store } from "../../pipeline/store/store.ts";
import type { Reconciliation } from "../../reports/reconcile/reconciliation.ts";
import {
  reconciliationSentences,
  reconciliationTables,
} from "../../reports/reconcile/reconciliation_tables.ts";
import { renderSentences, renderText } from "../../reports/text.ts";
import { printJson, printVerbatim } from "../output.ts";
import { openSession } from "../session.ts";
import { type ReproduceOptions, runSession } from "./reproduce.ts";

/**
 * Runs what the recipe's verdicts on printed numbers need, where it is missing, and prints them; returns
 * the exit code. A number that is not met again is no failure.
 *
 * @throws InputError for a recipe without a stage `reconcile`
 */
export async function reconcile(options: ReproduceOptions): Promise<number> {
  const session = await openSession(options, (instances) => {
    const to = reconciling(instances);
    if (to.length > 0) return { ...options, to };
    const message =
      "Expected a recipe with a stage reconcile, such as paper-judgments, but found " +
      `none in ${options.recipe}.`;
    throw new InputError([{ path: "--recipe", message }]);
  });
  return await runSession(session, options, async ({ result }) => {
    if (result.status !== "done") return;
    const found = await Promise.all(
      reconciling(session.instances).map((id) => read(id, result, session.context.store)),
    );
    if (options.json) {
      return printJson({
        rows: found.flatMap(({ rows }) => rows),
        findings: found.flatMap(({ findings }) => findings),
      });
    }
    for (const each of found) {
      for (const table of reconciliationTables(each)) printVerbatim(`${renderText(table)}\n`);
      printVerbatim(renderSentences(reconciliationSentences(each)));
    }
  });
}

function reconciling(instances: readonly Instance[]): string[] {
  return instances.filter(({ stage }) => stage.name === "reconcile").map(({ id }) => id);
}

async function read(id: string, { records }: RunResult, store: Store) {
  const { digest } = records.get(id)!.outputs.reconciliation;
  const path = join(store.objectPath(digest), "reconciliation.json");
  const reconciliation = JSON.parse(await Deno.readTextFile(path)) as Reconciliation;
  return { ...reconciliation, origin: { instance: id, digest } };
}
