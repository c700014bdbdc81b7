import { InputError, nearest, type Problem } from "../core/problem.ts";
import type { Override } from "./overrides.ts";
import { axisValueSchema, type Recipe, type RecipeSource } from "./recipe.ts";
import { shown } from "./schema_problems.ts";
import { splitPath } from "./split_path.ts";
import { entryName } from "./wiring.ts";

/** A value of a swept parameter. */
export type SweptValue = string | number;
/** Values by parameter, such as `train.eta`. */
export type SweptParameters = Readonly<Record<string, readonly SweptValue[]>>;

/** A parameter that takes several values in one run: one more axis of the recipe. */
export interface Sweep {
  /** As a person writes it: `train.eta`. */
  readonly parameter: string;
  readonly path: readonly (string | number)[];
  /** The axis that its values lie on: `eta`, or `train-eta` where the recipe has such an axis. */
  readonly axis: string;
  readonly values: readonly SweptValue[];
}

/** A recipe whose swept parameters are axes. */
export interface SweptRecipe {
  readonly source: RecipeSource;
  readonly sweeps: readonly Sweep[];
  /** The entries that expand over a swept axis: those with a swept parameter, and all that read from them. */
  readonly followers: ReadonlySet<string>;
}

/**
 * Reads `--sweep STAGE.PARAM=VALUE,VALUE`.
 *
 * @throws InputError naming every text that is not of this form
 */
export async function parseSweeps(texts: readonly string[]): Promise<SweptParameters> {
  if (texts.length === 0) return {};
  const { parse } = await import("yaml");
  const problems: Problem[] = [];
  const parameters: Record<string, SweptValue[]> = {};
  for (const text of texts) {
    const at = text.indexOf("=");
    const name = text.slice(0, Math.max(at, 0));
    const values = at < 0 ? null : listOf(text.slice(at + 1), parse);
    const refuse = (message: string) => problems.push({ path: `--sweep ${text}`, message });
    if (splitPath(name).length < 2 || values === null) refuse("Expected STAGE.PARAM=VALUE,VALUE.");
    else if (Object.hasOwn(parameters, name)) refuse(`${name} is swept twice.`);
    else {
      const wrong = values.filter((value) => !axisValueSchema.safeParse(value).success);
      if (wrong.length === 0) parameters[name] = values as SweptValue[];
      else refuse(`Expected numbers or names but found ${wrong.map(shown).join(", ")}.`);
    }
  }
  if (problems.length > 0) throw new InputError(problems, "The options are not valid");
  return parameters;
}

function listOf(text: string, parse: (text: string) => unknown): unknown[] | null {
  try {
    const value = parse(`[${text}]`);
    return Array.isArray(value) && value.length > 0 ? value : null;
  } catch {
    return null;
  }
}

/**
 * Makes an axis of each swept parameter, over which its entry expands, and whatever reads from that,
 * directly or not. What comes out equal at several points is computed once, since it has one key.
 *
 * @param parameters beside those that the recipe itself sweeps, or in their place
 */
export function withSweeps(source: RecipeSource, parameters: SweptParameters = {}): SweptRecipe {
  const { recipe } = source;
  const asked = { ...recipe.sweep?.parameters, ...parameters };
  const problems: Problem[] = [];
  const sweeps: Sweep[] = [];
  const matrix = { ...recipe.matrix };
  for (const [parameter, values] of Object.entries(asked)) {
    const path = splitPath(parameter);
    const [entry] = path.map(String);
    if (!Object.hasOwn(recipe.stages, entry)) {
      problems.push(unknownEntry(parameter, entry, recipe));
      continue;
    }
    const axis = axisOf(path, matrix);
    matrix[axis] = [...values];
    sweeps.push({ parameter, path, axis, values });
  }
  const added = new Map<string, string[]>();
  for (const { path, axis } of sweeps) {
    for (const entry of readersOf(String(path[0]), recipe)) {
      added.set(entry, [...added.get(entry) ?? [], axis]);
    }
  }
  const stages = Object.fromEntries(
    Object.entries(recipe.stages).map(([entry, stage]) => {
      const axes = added.get(entry);
      return [
        entry,
        axes === undefined ? stage : { ...stage, each: [...stage.each ?? [], ...axes] },
      ];
    }),
  );
  return {
    source: {
      ...source,
      recipe: { ...recipe, ...(sweeps.length > 0 && { matrix }), stages },
      problems: [...source.problems, ...problems],
    },
    sweeps,
    followers: new Set(added.keys()),
  };
}

/** What an instance's place on swept axes sets, as `--set` does. */
export function sweptOverrides(
  sweeps: readonly Sweep[],
  axes: Readonly<Record<string, SweptValue>>,
): Override[] {
  return sweeps.filter(({ axis }) => Object.hasOwn(axes, axis)).map((
    { parameter, path, axis },
  ) => ({
    text: `${parameter}=${axes[axis]}`,
    path,
    value: axes[axis],
  }));
}

function unknownEntry(parameter: string, entry: string, { stages }: Recipe): Problem {
  const known = Object.keys(stages);
  return {
    path: `--sweep ${parameter}`,
    message: `The recipe has no stage ${entry}; expected one of ${known.join(", ")}.`,
    nearest: nearest(entry, known),
  };
}

/** The parameter's own name; with the entry's before it where the recipe has such an axis. */
function axisOf(path: readonly (string | number)[], matrix: object): string {
  const clean = (text: string) => text.replace(/[^A-Za-z0-9_-]+/g, "-");
  const own = clean(
    path.slice(1).findLast((part) => typeof part === "string") as string ?? "value",
  );
  return Object.hasOwn(matrix, own) || own in {} ? clean(path.join("-")) : own;
}

/** An entry and all that read from it, directly or not. */
function readersOf(entry: string, { stages }: Recipe): Set<string> {
  const reached = new Set([entry]);
  for (let before = 0; before < reached.size;) {
    before = reached.size;
    for (const [name, { inputs = {} }] of Object.entries(stages)) {
      if (Object.values(inputs).flat().some((wire) => reached.has(entryName(wire)))) {
        reached.add(name);
      }
    }
  }
  return reached;
}

/** An entry and all that must be there before it: what it reads, and what it comes after. */
export function neededBy(entry: string, { stages }: Recipe): Set<string> {
  const needed = new Set<string>();
  const visit = (name: string) => {
    if (needed.has(name) || !Object.hasOwn(stages, name)) return;
    needed.add(name);
    const { inputs = {}, after = [] } = stages[name];
    [...Object.values(inputs).flat().map(entryName), ...after].forEach(visit);
  };
  visit(entry);
  return needed;
}
