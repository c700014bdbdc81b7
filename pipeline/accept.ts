import { InputError } from "../core/problem.ts";
import { isNamed } from "./graph.ts";
import type { PlanContext, PlannedInstance } from "./plan.ts";

/**
 * Keeps the old results of stages whose code alone was edited: each gets a record under its new key
 * that points to the old outputs and carries a warning, which every report shows. What such a result
 * leads to is looked at again, so that `--accept reference --accept train` keeps both.
 *
 * @returns the plan after it
 * @throws InputError for a name that fits no stage with such a result
 */
export async function acceptOld(
  plan: () => Promise<PlannedInstance[]>,
  options: { names: readonly string[]; context: PlanContext; now: () => number },
): Promise<PlannedInstance[]> {
  const { names } = options;
  let planned = await plan();
  checkAccepted(planned, names);
  const used = new Set<string>();
  for (;;) {
    const fitting = (name: string) =>
      planned.filter((one) => isCodeOnly(one) && isNamed(one.instance, name));
    const accepted = new Set(names.flatMap((name) => {
      if (fitting(name).length > 0) used.add(name);
      return fitting(name);
    }));
    if (accepted.size === 0) break;
    for (const one of accepted) await accept(one, options);
    planned = await plan();
  }
  refuse(
    names.filter((name) => !used.has(name)),
    "No result of it is stale because of its code alone.",
  );
  return planned;
}

/** @throws InputError for every name that fits no stage of a plan */
export function checkAccepted(planned: readonly PlannedInstance[], names: readonly string[]): void {
  const known = (name: string) => planned.some(({ instance }) => isNamed(instance, name));
  refuse(names.filter((name) => !known(name)), "The recipe has no such stage.");
}

function refuse(names: readonly string[], message: string): void {
  const problems = names.map((name) => ({ path: `--accept ${name}`, message }));
  if (problems.length > 0) throw new InputError(problems, "Nothing to accept");
}

async function accept(
  { instance, key, fields, reasons }: PlannedInstance,
  { context: { store, recipe }, now }: { context: PlanContext; now: () => number },
): Promise<void> {
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
      `The result of earlier code was accepted by hand (${edited}).`,
    ],
  });
}

function isCodeOnly({ state, key, reasons }: PlannedInstance): boolean {
  return state === "stale" && key !== null && reasons.length > 0 &&
    reasons.every(({ field }) => field.startsWith("code ") || field.startsWith("package "));
}
