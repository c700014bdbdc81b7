import type { Stage } from "./stage.ts";

/**
 * The stage of a name that a module exports.
 *
 * @throws TypeError when it exports none
 */
export async function exportedStage(module: string, name: string): Promise<Stage> {
  const exported = await import(module) as Record<string, unknown>;
  const found = Object.values(exported).find((value): value is Stage =>
    typeof value === "object" && value !== null && (value as Stage).name === name &&
    typeof (value as Stage).run === "function"
  );
  if (found === undefined) throw new TypeError(`${module} exports no stage ${name}.`);
  return found;
}
