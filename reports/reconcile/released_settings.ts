import { InputError, type Problem } from "../../core/problem.ts";
import type { ReleasedSetting } from "./reconciliation.ts";

/** A recipe that was written from a released configuration. */
export interface ConfiguredRecipe {
  readonly path: string;
  /** As parsed from YAML. */
  readonly recipe: unknown;
}

/** What the paper's table of settings calls a parameter of the stage `train`. */
const SETTINGS = [{ table: "3", column: "warm-up ratio", parameter: "warmupRatio" }] as const;

/**
 * The settings that the paper prints, as recipes written from the released configurations have them.
 *
 * @throws InputError naming every recipe that lacks one, or has another value than the first
 */
export function releasedSettings(recipes: readonly ConfiguredRecipe[]): ReleasedSetting[] {
  if (recipes.length === 0) return [];
  const problems: Problem[] = [];
  const settings = SETTINGS.map(({ table, column, parameter }): ReleasedSetting => {
    const values = recipes.map(({ path, recipe }) => {
      const value = within(recipe, ["stages", "train", "params", parameter]);
      if (typeof value === "number") return value;
      const message = `Expected a number but found ${JSON.stringify(value) ?? "none"}.`;
      problems.push({ path: `${path}: stages.train.params.${parameter}`, message });
      return Number.NaN;
    });
    values.forEach((value, i) => {
      if (Object.is(value, values[0]) || Number.isNaN(value)) return;
      const message = `Expected ${values[0]}, as ${recipes[0].path} has, but found ${value}.`;
      problems.push({ path: `${recipes[i].path}: stages.train.params.${parameter}`, message });
    });
    const names = recipes.map(({ recipe }) => String(within(recipe, ["recipe"]))).join(" and ");
    return { table, column, value: values[0], from: names };
  });
  if (problems.length > 0) throw new InputError(problems);
  return settings;
}

/** What lies under nested keys of records; undefined for nothing. */
function within(record: unknown, keys: readonly string[]): unknown {
  return keys.reduce<unknown>(
    (value, key) =>
      typeof value === "object" && value !== null
        ? (value as Record<string, unknown>)[key]
        : undefined,
    record,
  );
}
