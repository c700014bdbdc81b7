import { InputError } from "../core/problem.ts";
import { isNamed } from "./graph.ts";
import type { PlanContext, PlannedInstance } from "./plan.ts";

/**
 * Keeps the old results of stages whose code alone was edited: each gets a record under its new key
 * that points to the old outputs and carries a warning, which every report shows.
 *
 * @returns the ids whose results were kept
 * @throws InputError for a name that fits no stage with such a result
 */
export async function acceptOld(
  planned: readonly PlannedInstance[],
  options: { names: readonly string[]; context: PlanContext; now: () => number },
): Promise<string[]> {
  const { names, context: { store, recipe }, now } = options;
  const problems = names.flatMap((name) => {
    const fitting = planned.filter(({ instance }) => isNamed(instance, name));
    if (fitting.some((one) => isCodeOnly(one))) return [];
    return [{
      path: `--accept ${name}`,
      message: fitting.length === 0
        ? "The recipe has no such stage."
        : "No result of it is stale because of its code alone.",
    }];
  });
  if (problems.length > 0) throw new InputError(problems, "Nothing to accept");
  const accepted: string[] = [];
  for (const { instance, key, fields, reasons } of planned.filter(isCodeOnly)) {
    if (!names.some((name) => isNamed(instance, name))) continue;
    const old = store.readKey(store.readInstance(recipe, instance.id)!.key)!;
    const edited = reasons.map(({ field }) => field).join(", ");
    await store.commitKey({
      ...old,
      key: key!,
      instance: instance.id,
      recipe,
      fields: JSON.parse(JSON.stringify(fields)),
      acceptedFrom: old.key,
      finishedAt: new Date(now()).toISOString(),
      warnings: [
        ...old.warnings,
        `${instance.id}: the result of earlier code was accepted by hand (${edited}).`,
      ],
    });
    accepted.push(instance.id);
  }
  return accepted;
}

function isCodeOnly({ state, key, reasons }: PlannedInstance): boolean {
  return state === "stale" && key !== null && reasons.length > 0 &&
    reasons.every(({ field }) => field.startsWith("code ") || field.startsWith("package "));
}
