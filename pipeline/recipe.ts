import { z } from "../core/zod.ts";
import type { Json } from "../core/json.ts";
import { InputError, nearest, type Problem } from "../core/problem.ts";
import type { Override } from "./overrides.ts";
import { joinPath, schemaProblems } from "./schema_problems.ts";
import { PROTOTYPE, splitPath } from "./split_path.ts";

const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]*$/;

/** Names become parts of ids and keys of records, so `a/b` or `toString` would mean something else. */
const name = z.string().refine((text) => NAME.test(text) && !(text in {}), {
  error: "a name of letters, digits, _ and - that begins with a letter or digit",
});
/** Checks one value of an axis, which becomes part of ids. */
export const axisValueSchema = z.union([name, z.number()]);
const scalar = z.union([z.string(), z.number()]);
/** Checks the values of an axis. */
export const axisSchema = z.union([
  z.array(axisValueSchema).min(1),
  z.record(name, z.record(z.string(), z.json())),
]).describe("a list of values, or named records of parameters");

const wire = z.union([
  z.string().describe("STAGE or STAGE.PORT"),
  z.strictObject({
    from: z.string().describe("STAGE or STAGE.PORT"),
    where: z.record(z.string(), z.union([scalar, z.array(scalar)])),
  }),
]);

const stageEntry = z.strictObject({
  uses: z.string().optional().describe("the stage's name, when it is not the entry's"),
  each: z.array(z.string()).optional().describe("the axes it expands over"),
  only: z.record(z.string(), z.array(scalar)).optional().describe("axis values it is kept for"),
  inputs: z.record(z.string(), z.union([wire, z.array(wire)])).optional(),
  after: z.array(z.string()).optional()
    .describe("stages that must have succeeded before, of which it reads nothing"),
  params: z.record(z.string(), z.json()).optional(),
});

const sweep = z.strictObject({
  parameters: z.record(
    z.string().refine((key) => splitPath(key).length > 1 && !splitPath(key).includes(PROTOTYPE), {
      error: "STAGE.PARAM",
    }),
    z.array(axisValueSchema).min(1),
  ).describe("values by parameter, as --sweep takes them: every combination is run"),
  metric: z.string().min(1).optional().describe("what is told of each; the main one unless told"),
  systems: z.array(z.string()).min(1).optional().describe("those it is told of; all unless told"),
});

const recipeSchema = z.strictObject({
  recipe: z.string().regex(
    /^[a-z0-9][a-z0-9-]*$/,
    "a name of lower-case letters, digits and dashes",
  )
    .describe("the recipe's name"),
  describe: z.string().describe("one or two sentences on what it runs"),
  requires: z.record(z.string(), z.string()).optional()
    .describe("parameters a person must give, each with what it is and where to get it"),
  matrix: z.record(name, axisSchema).optional(),
  sweep: sweep.optional().describe("parameters that take several values, and the curve along them"),
  stages: z.record(name, stageEntry),
});

/** A recipe that is another one with some parameters changed and some stages more. */
const derivedSchema = z.strictObject({
  recipe: recipeSchema.shape.recipe,
  describe: recipeSchema.shape.describe,
  extends: z.string().describe("the recipe that it changes, by name"),
  requires: recipeSchema.shape.requires,
  sweep: recipeSchema.shape.sweep,
  set: z.record(
    z.string().refine((key) => /\./.test(key) && !splitPath(key).includes(PROTOTYPE), {
      error: "STAGE.PARAM",
    }),
    z.json(),
  ).optional().describe("parameters to change, as --set takes them"),
  stages: recipeSchema.shape.stages.optional()
    .describe("stages to add; to those of the other recipe, inputs"),
});

type DerivedRecipe = z.infer<typeof derivedSchema>;

/** One wiring of an input port: the outputs of a stage entry, narrowed to some axis values. */
export type Wire = z.infer<typeof wire>;
/** One entry of `stages`. */
export type StageEntry = z.infer<typeof stageEntry>;
/** A recipe as written, checked for its form; what it names is checked by `expand`. */
export type Recipe = z.infer<typeof recipeSchema>;

/** A recipe with where it came from, so that problems name file and line. */
export interface RecipeSource {
  readonly recipe: Recipe;
  /** Path as the person gave it. */
  readonly path: string;
  /** `recipes/tiny.yaml:12: stages.train.params` for a path inside the recipe. */
  locate(path: readonly (string | number)[]): string;
  /** What the recipe changes of the one it extends: applied before the command line's own. */
  readonly overrides: readonly Override[];
  /** What is wrong with its form; `recipe` is what is left without it, so that the rest is checked too. */
  readonly problems: readonly Problem[];
}

/** The lines (from 1) of a record's keys, and of those in its values. */
export interface Lines {
  readonly [key: string]: { readonly line: number; readonly inside?: Lines };
}

/** What a recipe's text says, and where. */
export interface RecipeText {
  readonly value: Json;
  readonly lines: Lines;
}

/** Reads the text of a recipe; `path` is for messages. */
export type RecipeTextReader = (text: string, path: string) => Promise<RecipeText>;

/** The text of a recipe by its name, and the path to show; null when there is none. */
export type RecipeReader = (
  name: string,
) => { readonly text: string; readonly path: string } | null;

/**
 * Reads a recipe and checks its form. One that `extends` another is that other with a name,
 * a description, some parameters and some stages of its own. Unknown keys and wrong types are left to
 * `expand` to tell, together with its own findings, where there is enough of a recipe to go on.
 *
 * @param readBase finds the recipe that this one extends
 * @param readText what reads the YAML; parses it unless given
 * @throws InputError with every problem of a text that is no recipe
 */
export async function parseRecipe(
  text: string,
  path: string,
  readBase: RecipeReader = () => null,
  readText: RecipeTextReader = parseText,
): Promise<RecipeSource> {
  const { value, lines } = await readText(text, path);
  const locate = placeIn(lines, path);
  if (value === null || typeof value !== "object" || !("extends" in value)) {
    const whole = recipeSchema.safeParse(value);
    if (whole.success) return { recipe: whole.data, path, locate, overrides: [], problems: [] };
    const problems = formProblems(recipeSchema, value, locate);
    const recipe = salvaged(value);
    if (recipe === null) throw new InputError(problems, `The recipe ${path} has problems`);
    return { recipe, path, locate, overrides: [], problems };
  }
  const derived = checked(derivedSchema, value, { path, locate });
  const base = readBase(derived.extends);
  if (base === null) {
    const message = `There is no recipe ${derived.extends} to extend.`;
    throw new InputError([{ path: locate(["extends"]), message }]);
  }
  const read = await parseRecipe(base.text, base.path, readBase, readText);
  return extended(read, derived, { path, locate });
}

/**
 * Reads a recipe's text by `readRecipeText`. The parser takes longer to load than all else of a start, so it
 * is loaded when it is needed.
 */
export async function parseText(text: string, path: string): Promise<RecipeText> {
  return (await import("./recipe_text.ts")).readRecipeText(text, path);
}

/** A recipe with another one's name, description, parameters and stages over its own. */
function extended(
  base: RecipeSource,
  derived: DerivedRecipe,
  { path, locate }: Pick<RecipeSource, "path" | "locate">,
): RecipeSource {
  const { recipe, describe, requires, sweep, set = {}, stages = {} } = derived;
  const known = base.recipe.stages;
  const overrides = Object.entries(set).map(([key, value]) => ({
    text: `${key} (set by ${path})`,
    path: splitPath(key),
    value: value as Json,
    inRecipe: true as const,
  }));
  const problems = Object.entries(stages).flatMap(([entry, added]) =>
    Object.keys(Object.hasOwn(known, entry) ? added : {}).filter((key) => key !== "inputs")
      .map((key) => ({
        path: locate(["stages", entry, key]),
        message: `${derived.extends} has the stage ${entry}; expected inputs to add alone, and ` +
          "parameters under set.",
      }))
  );
  return {
    path,
    locate: (inside) => isAdded(inside, known, stages) ? locate(inside) : base.locate(inside),
    recipe: {
      ...base.recipe,
      ...{ recipe, describe },
      ...(sweep !== undefined && { sweep }),
      requires: { ...base.recipe.requires, ...requires },
      stages: withAdded(known, stages),
    },
    overrides: [...base.overrides, ...overrides],
    problems: [...base.problems, ...problems],
  };
}

type Entries = Recipe["stages"];

/** Entries with others beside them; one that is there already gets the inputs of its namesake. */
function withAdded(known: Entries, added: Entries): Entries {
  const merged = { ...known };
  for (const [entry, own] of Object.entries(added)) {
    const { inputs, ...rest } = Object.hasOwn(known, entry) ? known[entry] : own;
    merged[entry] = { ...rest, inputs: { ...inputs, ...own.inputs } };
  }
  return merged;
}

/** Whether a path lies in what was added: a stage, or an input of one that was there. */
function isAdded(
  [part, entry, field, port]: readonly (string | number)[],
  known: Entries,
  added: Entries,
): boolean {
  if (part !== "stages" || !Object.hasOwn(added, entry)) return false;
  if (!Object.hasOwn(known, entry)) return true;
  return field === "inputs" && Object.hasOwn(added[entry].inputs ?? {}, port);
}

function checked<T>(
  schema: z.ZodType<T>,
  value: Json,
  { path, locate }: Pick<RecipeSource, "path" | "locate">,
): T {
  const problems = formProblems(schema, value, locate);
  if (problems.length > 0) throw new InputError(problems, `The recipe ${path} has problems`);
  return schema.parse(value);
}

function formProblems(schema: z.ZodType, value: Json, locate: RecipeSource["locate"]): Problem[] {
  return schemaProblems(schema, value, "").map((problem) => located(problem, locate));
}

/** A recipe without what is wrong in its form; `null` when too little is left to say more of it. */
function salvaged(value: Json): Recipe | null {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return null;
  const rest: Record<string, Json> = structuredClone(value);
  for (;;) {
    const { success, data, error } = recipeSchema.safeParse(rest);
    if (success) return data;
    for (const { path, ...issue } of error.issues) {
      // What follows from a wrong matrix is no help.
      if (path[0] === "stages" ? path.length === 1 : path[0] === "matrix") return null;
      if (issue.code === "unrecognized_keys") {
        issue.keys.forEach((key) => removeMisspelt(rest, [...path, key]));
      } else if (path[0] === "recipe" || path[0] === "describe") rest[path[0]] = "unnamed";
      else if (!removeIn(rest, path)) return null;
    }
  }
}

/** Removes an unknown key; in an entry of `stages` what it holds is checked under the key it is near to. */
function removeMisspelt(rest: Record<string, Json>, path: readonly PropertyKey[]): void {
  const [, name, key] = path.map(String);
  if (path[0] === "stages" && path.length === 3) {
    const entry = (rest.stages as Record<string, Record<string, Json>>)[name];
    const meant = nearest(key, Object.keys(stageEntry.shape));
    if (meant !== undefined) entry[meant] ??= entry[key];
  }
  removeIn(rest, path);
}

/** Removes what lies at a path, in a list the whole list; false when nothing did. */
function removeIn(record: Record<string, Json>, path: readonly PropertyKey[]): boolean {
  const [head, ...rest] = path.map(String);
  const inner = record[head];
  if (inner === undefined) return false;
  if (rest.length > 0 && typeof inner === "object" && inner !== null && !Array.isArray(inner)) {
    return removeIn(inner, rest);
  }
  delete record[head];
  return true;
}

function located(problem: Problem, locate: RecipeSource["locate"]): Problem {
  return { ...problem, path: locate(splitPath(problem.path)) };
}

/** A function that names the file, the line and the path of what lies inside a recipe. */
export function placeIn(lines: Lines, path: string): RecipeSource["locate"] {
  return (inside) => {
    const line = lineOf(lines, inside);
    return `${path}${line === undefined ? "" : `:${line}`}: ${joinPath("", inside)}`;
  };
}

/** The line of the deepest key on the path that exists. */
function lineOf(lines: Lines, path: readonly (string | number)[]): number | undefined {
  let found: number | undefined;
  let here: Lines | undefined = lines;
  for (const part of path) {
    if (here === undefined || !Object.hasOwn(here, part)) break;
    ({ line: found, inside: here } = here[part]);
  }
  return found;
}
