import { type Json } from "../core/json.ts";
import { InputError, nearest, type Problem } from "../core/problem.ts";
import { axisSchema, type Recipe } from "./recipe.ts";
import { shown } from "./schema_problems.ts";
import { PROTOTYPE, prototypeKeys, splitPath } from "./split_path.ts";

/** Parameters set from the command line: `--set train.beta=0.2`. */
export interface Override {
  /** As written, for messages. */
  readonly text: string;
  readonly path: readonly (string | number)[];
  readonly value: Json;
  /** Written in a recipe, to whose folder its paths are relative, not to where the user stands. */
  readonly inRecipe?: true;
}

/**
 * Reads `--set STAGE.PARAM=VALUE` (or `matrix.AXIS=[…]`); the value is YAML, so `0.2`, `true` and
 * `[0, 1]` are what they look like; null takes away what the recipe says.
 *
 * @throws InputError naming every text that is not of this form
 */
export async function parseOverrides(texts: readonly string[]): Promise<Override[]> {
  if (texts.length === 0) return [];
  const { parse } = await import("yaml");
  const problems: Problem[] = [];
  const overrides = texts.flatMap((text) => {
    const at = text.indexOf("=");
    const path = splitPath(at < 0 ? text : text.slice(0, at));
    if (at < 0 || path.length < 2) {
      problems.push({ path: `--set ${text}`, message: "Expected STAGE.PARAM=VALUE." });
      return [];
    }
    try {
      const value = parse(text.slice(at + 1)) as Json;
      if (!path.includes(PROTOTYPE) && prototypeKeys(value).length === 0) {
        return [{ text, path, value }];
      }
      problems.push({ path: `--set ${text}`, message: `${PROTOTYPE} cannot be a key.` });
      return [];
    } catch {
      problems.push({ path: `--set ${text}`, message: "Expected a YAML value after the sign =." });
      return [];
    }
  });
  if (problems.length > 0) throw new InputError(problems, "The options are not valid");
  return overrides;
}

/** Replaces axes of the matrix; problems for an axis that the recipe does not have, or of no values. */
export function applyToMatrix(recipe: Recipe, overrides: readonly Override[]): {
  readonly recipe: Recipe;
  readonly problems: readonly Problem[];
} {
  const problems: Problem[] = [];
  const matrix = structuredClone(recipe.matrix ?? {});
  const entries = Object.keys(recipe.stages);
  for (const { text, path, value } of overrides) {
    const [head, name] = path.map(String);
    if (head !== "matrix") {
      if (!entries.includes(head)) {
        const known = [...entries, "matrix"];
        problems.push({
          path: `--set ${text}`,
          message: `The recipe has no stage ${head}; expected one of ${known.join(", ")}.`,
          nearest: nearest(head, known),
        });
      }
      continue;
    }
    if (!Object.hasOwn(matrix, name)) {
      problems.push({
        path: `--set ${text}`,
        message: `The recipe has no axis ${name}; expected one of ${
          Object.keys(matrix).join(", ")
        }.`,
        nearest: nearest(name, Object.keys(matrix)),
      });
    } else {
      const changed = structuredClone(matrix) as Record<string, Json>;
      setIn(changed, path.slice(1), value);
      const axis = axisSchema.safeParse(changed[name]);
      if (axis.success) matrix[name] = axis.data;
      else {
        problems.push({
          path: `--set ${text}`,
          message: "Expected a list of values, or named records of parameters (names of letters, " +
            `digits, _ and -), but found ${shown(changed[name])}.`,
        });
      }
    }
  }
  return { recipe: { ...recipe, matrix }, problems };
}

/**
 * Sets a value deep inside records and lists; missing records are made. No parameter can be null, so
 * that null takes a record's entry away: what the recipe says of it, or what it asks for.
 */
export function setIn(
  record: Record<string, Json> | Json[],
  path: readonly (string | number)[],
  value: Json,
): void {
  const [head, ...rest] = path;
  const holder = record as Record<string | number, Json>;
  if (rest.length === 0) {
    if (value === null && !Array.isArray(record)) delete holder[head];
    else holder[head] = value;
    return;
  }
  const inner = Object.hasOwn(holder, head) ? holder[head] : null;
  const child = inner !== null && typeof inner === "object" ? inner : {};
  holder[head] = child;
  setIn(child, rest, value);
}
