import type { Json } from "../core/json.ts";
import { InputError, nearest, type Problem } from "../core/problem.ts";
import { choiceProblems } from "./choices.ts";
import { findCycle } from "./graph.ts";
import { type Axes, type Instance, instanceId } from "./instance.ts";
import { applyToMatrix, type Override, setIn } from "./overrides.ts";
import { resolvePaths } from "./path_param.ts";
import type { Recipe, RecipeSource } from "./recipe.ts";
import { splitPath } from "./split_path.ts";
import { type Sweep, sweptOverrides } from "./sweep.ts";
import { joinPath, schemaProblems } from "./schema_problems.ts";
import type { Stage } from "./stage.ts";
import {
  checkGates,
  checkWires,
  entryName,
  gatesOf,
  narrowingProblems,
  type Unwired,
  wireInputs,
  type WiringContext,
} from "./wiring.ts";

/** What an expansion needs beside the recipe. */
export interface ExpandOptions {
  /** Every stage there is, by name. */
  readonly stages: ReadonlyMap<string, Stage>;
  readonly overrides: readonly Override[];
  /** Parameters whose values lie on axes of the recipe (`withSweeps`); they win over overrides. */
  readonly sweeps?: readonly Sweep[];
  /** Paths in the recipe are relative to this folder. */
  readonly recipeFolder: string;
  /** Paths in overrides are relative to this folder: where the user stands. */
  readonly userFolder: string;
  /** What lies at an absolute path; null for nothing. */
  readonly lookUp: (path: string) => "file" | "folder" | null;
}

/**
 * Expands a recipe into the instances of its stages, in the recipe's order, and checks all that it
 * names: stages, axes, ports, types, parameters, paths, cycles.
 *
 * @throws InputError with every problem found; nothing is written before
 */
export function expand(source: RecipeSource, options: ExpandOptions): Instance[] {
  const { recipe, problems: overrideProblems } = applyToMatrix(source.recipe, options.overrides);
  const problems: FoundProblem[] = [...source.problems, ...overrideProblems];
  const stageOf = new Map<string, Stage>();
  for (const [entry, { uses }] of Object.entries(recipe.stages)) {
    const stage = options.stages.get(uses ?? entry);
    if (stage !== undefined) stageOf.set(entry, stage);
    else problems.push(unknownStage(entry, uses, source, options.stages));
  }
  for (const entry of Object.keys(recipe.stages)) {
    problems.push(...axisProblems(entry, recipe, source));
  }
  const instancesOf = new Map<string, Unwired[]>();
  for (const [entry, stage] of stageOf) {
    instancesOf.set(
      entry,
      placesOf(entry, recipe).map((axes) => ({
        id: instanceId(entry, axes, namedAxes(recipe)),
        entry,
        stage,
        axes,
      })),
    );
  }
  problems.push(...duplicateProblems(recipe, [...instancesOf.values()].flat(), source));
  const context: WiringContext = {
    source: { ...source, recipe },
    entries: recipe.stages,
    stageOf,
    instancesOf,
  };
  for (const entry of stageOf.keys()) {
    problems.push(...checkWires(entry, context), ...checkGates(entry, context));
  }
  const cycle = findCycle(entryEdges(recipe));
  if (cycle !== undefined) {
    problems.push({
      path: source.locate(["stages", cycle[0]]),
      message: `The stages form a cycle: ${cycle.join(" → ")}.`,
    });
  }
  const wiringClean = problems.length === 0;
  const instances = [...instancesOf.values()].flat().map((unwired) => {
    const resolved = resolveParams(unwired, { recipe, source, options, problems });
    const inputs = wiringClean ? wireInputs(unwired, context, problems) : {};
    const after = wiringClean ? gatesOf(unwired, context, problems) : [];
    return { ...unwired, ...resolved, inputs, after };
  });
  if (problems.length === 0) problems.push(...choiceProblems(instances, source));
  if (problems.length > 0) {
    throw new InputError(unique(problems), `The recipe ${source.path} has problems`);
  }
  return instances;
}

/**
 * Asks the stages that are to run what is wrong with what is wired to them, beyond names and types.
 *
 * @throws InputError with every problem found
 */
export function checkInputs(instances: readonly Instance[], source: RecipeSource): void {
  const problems = instances.flatMap((instance) => inputProblems(instance, source));
  if (problems.length === 0) return;
  throw new InputError(unique(problems), `The recipe ${source.path} has problems`);
}

function inputProblems({ id, entry, stage, params, inputs }: Instance, source: RecipeSource) {
  const artifacts = Object.entries(inputs).map(([port, refs]) => [
    port,
    refs.map(({ instance, axes }) => ({ from: instance, axes })),
  ]);
  const found = stage.checkInputs?.(params, Object.fromEntries(artifacts)) ?? [];
  return found.map((problem) => ({
    ...problem,
    path: source.locate(["stages", entry, "params", ...splitPath(problem.path)]),
    instance: id === entry ? undefined : id,
  }));
}

function unknownStage(
  entry: string,
  uses: string | undefined,
  source: RecipeSource,
  stages: ReadonlyMap<string, Stage>,
): Problem {
  const name = uses ?? entry;
  const known = [...stages.keys()];
  return {
    path: source.locate(uses === undefined ? ["stages", entry] : ["stages", entry, "uses"]),
    message: `There is no stage ${name}; expected one of ${known.join(", ")}.`,
    nearest: nearest(name, known),
  };
}

/** Axes that an entry names and the matrix has not, and what it is narrowed to in vain. */
function axisProblems(entry: string, recipe: Recipe, source: RecipeSource): Problem[] {
  const { each = [], only = {} } = recipe.stages[entry];
  const matrix = recipe.matrix ?? {};
  const known = Object.keys(matrix);
  const unknown = each.filter((axis) => !known.includes(axis)).map((axis) => ({
    path: source.locate(["stages", entry, "each"]),
    message: `The matrix has no axis ${axis}; expected one of ${known.join(", ") || "none"}.`,
    nearest: nearest(axis, known),
  }));
  const path = source.locate(["stages", entry, "only"]);
  const noAxis = `${entry} does not expand over`;
  return [...unknown, ...narrowingProblems(only, { axes: each, matrix, path, noAxis })];
}

/** Every id that two instances would share: an axis that holds a value twice, or is named twice. */
function duplicateProblems(
  recipe: Recipe,
  instances: readonly Unwired[],
  source: RecipeSource,
): Problem[] {
  const twice = Object.entries(recipe.matrix ?? {}).flatMap(([axis, values]) =>
    repeated(Array.isArray(values) ? values.map(String) : []).map((value) => ({
      path: source.locate(["matrix", axis]),
      message: `The value ${value} stands here more than once; expected each value once.`,
    }))
  );
  if (twice.length > 0) return twice;
  return repeated(instances.map(({ id }) => id)).map((id) => ({
    path: source.locate(["stages", instances.find((one) => one.id === id)!.entry]),
    message: `More than one instance would be called ${id}; expected each axis once.`,
  }));
}

/** What a list holds more than once, each once. */
function repeated(values: readonly string[]): string[] {
  return [...new Set(values.filter((value, index) => values.indexOf(value) !== index))];
}

function namedAxes(recipe: Recipe): Set<string> {
  const axes = Object.entries(recipe.matrix ?? {});
  return new Set(axes.filter(([, axis]) => !Array.isArray(axis)).map(([name]) => name));
}

/** The product of an entry's axes, the last axis fastest, narrowed by `only`. */
function placesOf(entry: string, recipe: Recipe): Axes[] {
  const { each = [], only = {} } = recipe.stages[entry];
  return each.reduce<Axes[]>((places, name) => {
    const axis = recipe.matrix?.[name];
    if (axis === undefined) return places; // reported already; the parameters are checked all the same
    const values = Array.isArray(axis) ? axis : Object.keys(axis);
    const kept = values.filter((value) => only[name] === undefined || only[name].includes(value));
    return places.flatMap((place) => kept.map((value) => ({ ...place, [name]: value })));
  }, [{}]);
}

function entryEdges(recipe: Recipe): Map<string, string[]> {
  return new Map(
    Object.entries(recipe.stages).map(([entry, { inputs = {}, after = [] }]) => [
      entry,
      [...Object.values(inputs).flat().map(entryName), ...after],
    ]),
  );
}

interface ParamContext {
  readonly recipe: Recipe;
  readonly source: RecipeSource;
  readonly options: ExpandOptions;
  readonly problems: FoundProblem[];
}

function resolveParams(
  unwired: Unwired,
  context: ParamContext,
): Pick<Instance, "params" | "paths" | "modules"> {
  const { recipe, source, options, problems } = context;
  const { entry, stage, axes } = unwired;
  const written = recipe.stages[entry].params ?? {};
  const included = includedParams(written, unwired, context);
  const merged: Record<string, Json> = structuredClone({ ...included, ...written });
  delete merged.$include;
  const params = substitute(merged, unwired, context) as Record<string, Json>;
  const fromUser = applyOverrides(params, unwired, context);
  const { paths, modules, problems: wrongPaths } = resolvePaths(stage.params, params, {
    base: (key) => fromUser.has(key) ? options.userFolder : options.recipeFolder,
    lookUp: options.lookUp,
  });
  for (const { key, message } of wrongPaths) {
    const hint = recipe.requires?.[`${entry}.${key}`];
    problems.push({
      path: source.locate(["stages", entry, "params", key]),
      message: hint === undefined ? message : `${message} It is ${hint}`,
    });
  }
  for (const problem of schemaProblems(stage.params, params, "")) {
    const hint = recipe.requires?.[joinPath(entry, [problem.path])];
    const missing = hint !== undefined && problem.message.startsWith("Missing.");
    problems.push({
      ...problem,
      path: source.locate(["stages", entry, "params", ...problem.path.split(".")]),
      instance: Object.keys(axes).length === 0 ? undefined : unwired.id,
      message: missing ? `Missing. Expected ${hint}` : problem.message,
    });
  }
  const parsed = stage.params.safeParse(params);
  return { params: (parsed.success ? parsed.data : params) as Json, paths, modules };
}

function includedParams(
  written: Record<string, Json>,
  unwired: Unwired,
  { recipe, source, problems }: ParamContext,
): Record<string, Json> {
  if (written.$include === undefined) return {};
  const axis = String(written.$include);
  const records = recipe.matrix?.[axis];
  const value = unwired.axes[axis];
  if (records === undefined || Array.isArray(records) || value === undefined) {
    const known = [...namedAxes(recipe)].filter((name) => unwired.axes[name] !== undefined);
    problems.push({
      path: source.locate(["stages", unwired.entry, "params", "$include"]),
      message: `Expected an axis of named records that the stage expands over (${
        known.join(", ") || "it has none"
      }) but found ${axis}.`,
      nearest: nearest(axis, known),
    });
    return {};
  }
  return records[value] as Record<string, Json>;
}

/** Replaces texts such as `$seed` by the instance's value on that axis. */
function substitute(value: Json, unwired: Unwired, context: ParamContext): Json {
  if (Array.isArray(value)) return value.map((item) => substitute(item, unwired, context));
  if (value !== null && typeof value === "object") {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, substitute(item, unwired, context)]),
    );
  }
  if (typeof value !== "string" || !/^\$[A-Za-z][\w-]*$/.test(value)) return value;
  const found = unwired.axes[value.slice(1)];
  if (found !== undefined) return found;
  const known = Object.keys(unwired.axes).map((axis) => `$${axis}`);
  context.problems.push({
    path: context.source.locate(["stages", unwired.entry, "params"]),
    message: `${value} names no axis of this stage; expected one of ${known.join(", ") || "none"}.`,
    nearest: nearest(value, known),
  });
  return value;
}

/**
 * Applies `--set ENTRY.PARAM=VALUE`; returns the parameters that the user set. Where the parameter comes from an included record, only the
 * instances whose record has it are changed: `train.beta` leaves SFT, which has no beta, alone.
 */
function applyOverrides(
  params: Record<string, Json>,
  unwired: Unwired,
  { recipe, options }: ParamContext,
): Set<string> {
  const changed = new Set<string>();
  const entry = recipe.stages[unwired.entry];
  const name = String(entry.params?.$include);
  const axis = recipe.matrix?.[name];
  const records = axis === undefined || Array.isArray(axis) ? [] : Object.values(axis);
  const record = ["matrix", name, unwired.axes[name]];
  const swept = sweptOverrides(options.sweeps ?? [], unwired.axes);
  for (const { path, value, inRecipe } of [...options.overrides, ...swept]) {
    // A record, or a part of one, that is set is no part of the recipe either.
    if (!inRecipe && record.every((part, i) => path[i] === undefined || path[i] === part)) {
      (path[3] === undefined ? Object.keys(params) : [String(path[3])]).forEach((key) =>
        changed.add(key)
      );
    }
    if (path[0] !== unwired.entry) continue;
    const key = String(path[1]);
    const elsewhere = params[key] === undefined && records.some((record) => key in record);
    if (elsewhere) continue;
    setIn(params, path.slice(1), value);
    if (!inRecipe) changed.add(key);
  }
  return changed;
}

/** A problem that may be one instance's alone: another value on an axis may have none. */
export interface FoundProblem extends Problem {
  readonly instance?: string;
}

/** The same problem of several instances is told once, with the first of them and their number. */
export function unique(problems: readonly FoundProblem[]): Problem[] {
  const groups = Map.groupBy(problems, ({ path, message }) => `${path}\n${message}`);
  return [...groups.values()].map(([first, ...others]) => {
    const { instance, ...problem } = first;
    if (instance === undefined) return problem;
    const more = others.length === 0 ? "" : ` and ${others.length} more`;
    return { ...problem, path: `${problem.path} (${instance}${more})` };
  });
}
