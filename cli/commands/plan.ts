import { isNamed } from "../../pipeline/graph.ts";
import type { PlannedInstance } from "../../pipeline/plan.ts";
import { formatEstimate } from "../../pipeline/reporters/quantities.ts";
import { estimateWallSeconds } from "../../pipeline/schedule.ts";
import { printJson, printResult } from "../output.ts";
import { machineCapacity, openSession, type RecipeOptions } from "../session.ts";

/** Prints each stage's state; writes nothing. */
export async function plan(options: RecipeOptions & { json: boolean }): Promise<void> {
  const session = await openSession(options);
  const planned = await session.plan();
  if (options.json) {
    return printJson({ recipe: session.source.recipe.recipe, stages: planned.map(stageJson) });
  }
  const width = Math.max(...planned.map(({ instance }) => instance.id.length));
  const lines = planned.map((one) => {
    const reason = one.reasons[0] === undefined ? "" : `  ${reasonText(one.reasons[0])}`;
    const more = one.reasons.length > 1 ? ` (and ${one.reasons.length - 1} more)` : "";
    return `${one.state.padEnd(8)}${one.instance.id.padEnd(width)}${reason}${more}`.trimEnd();
  });
  printResult([...lines, "", totals(planned)].join("\n"));
}

/** Prints each field of the key that changed, for the named stages. */
export async function explain(
  names: readonly string[],
  options: RecipeOptions & { json: boolean },
): Promise<void> {
  const session = await openSession({ ...options, to: names });
  const planned = (await session.plan()).filter(({ instance }) =>
    names.some((name) => isNamed(instance, name))
  );
  if (options.json) {
    return printJson({ recipe: session.source.recipe.recipe, stages: planned.map(stageJson) });
  }
  printResult(
    planned.map((one) => {
      const { instance, state, key, reasons } = one;
      const title = `${instance.id}: ${state}${key === null ? "" : ` (key ${key.slice(0, 12)}…)`}`;
      return [title, ...reasons.map((reason) => `  ${reasonText(reason)}`)].join("\n");
    }).join("\n"),
  );
}

function stageJson({ instance, state, key, reasons, estimateSeconds }: PlannedInstance) {
  return { id: instance.id, state, key, reasons, estimateSeconds };
}

function reasonText({ field, before, after }: PlannedInstance["reasons"][number]): string {
  if (field.startsWith("code ") && before !== null && after !== null) {
    return field.replace("code ", "code: ");
  }
  return before === null && after === null
    ? field
    : `${field} ${before ?? "none"} → ${after ?? "none"}`;
}

function totals(planned: readonly PlannedInstance[]): string {
  const count = (state: string) => planned.filter((one) => one.state === state).length;
  const seconds = estimateWallSeconds(planned, machineCapacity().cores);
  const time = seconds === null || seconds === 0 ? "" : `; about ${formatEstimate(seconds)} to run`;
  return `${count("cached")} cached, ${count("stale")} stale, ${count("missing")} missing${time}`;
}
