import { availableParallelism, cpus, totalmem } from "node:os";
import { basename, dirname, join } from "node:path";
import { InputError, nearest } from "../core/problem.ts";
import { checkInstances } from "../pipeline/check_modules.ts";
import { CodeIndex } from "../pipeline/code_digest.ts";
import { type GraphRoot, moduleGraph, rememberGraph } from "../pipeline/module_graph.ts";
import { StoredDigests } from "../pipeline/digest_memory.ts";
import { checkInputs, expand } from "../pipeline/expand.ts";
import { select, type Selected, type Selection } from "../pipeline/graph.ts";
import type { Instance } from "../pipeline/instance.ts";
import { parseOverrides } from "../pipeline/overrides.ts";
import { openGates } from "../pipeline/open_gates.ts";
import { makePlan, type PlanContext, type PlannedInstance } from "../pipeline/plan.ts";
import { parseRecipe, type RecipeSource } from "../pipeline/recipe.ts";
import { RecipeMemory } from "../pipeline/recipe_memory.ts";
import { Store } from "../pipeline/store/store.ts";
import { parseSweeps } from "../pipeline/sweep.ts";
import { stages } from "../stages/registry.ts";
import { checkJudgeBudgets } from "./judge_budgets.ts";
import { lookUp } from "./look_up.ts";
import { CODE, DEFAULT_STORE, PROJECT_FOLDER, userFolder, userPath } from "./project.ts";
import { withCurve } from "./sweep_curve.ts";

/** Options that every command about a recipe shares. */
export interface RecipeOptions extends Selection {
  readonly recipe: string;
  readonly set: readonly string[];
  /** Parameters with several values: `train.eta=0,0.01`. */
  readonly sweep?: readonly string[];
  readonly store?: string;
}

/** A recipe opened for planning: nothing has been written. */
export interface Session {
  readonly source: RecipeSource;
  /** The recipe's file and those that it extends. */
  readonly recipeFiles: readonly { readonly name: string; readonly text: string }[];
  readonly instances: readonly Instance[];
  readonly selected: Selected;
  /** What is doubtful about the recipe, a sentence each. */
  readonly warnings: readonly string[];
  readonly context: PlanContext & { readonly memory: StoredDigests };
  /** Keeps what was read for the next session; called only where a run may write. */
  remember(): Promise<void>;
  plan(): Promise<PlannedInstance[]>;
}

/** Where the graph of the stages' code begins. */
export const GRAPH_ROOT: GraphRoot = {
  root: new URL("../stages/registry.ts", import.meta.url).href,
  projectFolder: PROJECT_FOLDER,
  deno: Deno.execPath(),
};

/**
 * Opens a recipe: validates it as a whole, expands it, finds its code.
 *
 * @param choose which instances are wanted; those that the options name unless told
 * @throws InputError with every problem of the recipe and the options
 */
export async function openSession(
  options: RecipeOptions,
  choose: (instances: readonly Instance[]) => Selection = () => options,
): Promise<Session> {
  const store = openStore(options.store);
  const memory = StoredDigests.open(store);
  const graph = moduleGraph(GRAPH_ROOT, store);
  graph.catch(() => {}); // a wrong recipe is reported first
  const { path, shown } = recipePath(options.recipe);
  const recipeFiles = [{ name: basename(path), text: Deno.readTextFileSync(path) }];
  const texts = RecipeMemory.open(store, PROJECT_FOLDER);
  const readBase = (name: string) => {
    const base = readRecipe(name);
    if (base !== null) recipeFiles.push({ name: basename(base.path), text: base.text });
    return base;
  };
  const written = await parseRecipe(
    recipeFiles[0].text,
    shown,
    readBase,
    (text, path) => texts.read(text, path),
  );
  const { source, sweeps } = withCurve(written, await parseSweeps(options.sweep ?? []), stages);
  const instances = expand(source, {
    stages,
    sweeps,
    overrides: [...source.overrides, ...await parseOverrides(options.set)],
    recipeFolder: dirname(path),
    userFolder: userFolder(),
    lookUp,
  });
  const selected = select(instances, choose(instances));
  checkInputs(selected.instances, source);
  checkJudgeBudgets(selected.instances, source);
  await checkInstances(selected.instances, source, CODE);
  const context = {
    recipe: source.recipe.recipe,
    store,
    memory,
    machine: machineName(),
    code: new CodeIndex(await graph, PROJECT_FOLDER, memory),
  };
  return {
    source,
    recipeFiles,
    instances,
    selected,
    warnings: openGates(instances, source),
    context,
    plan: () => makePlan(selected.instances, context),
    async remember() {
      await memory.save();
      await texts.save();
      await rememberGraph(context.code.graph, GRAPH_ROOT, store);
    },
  };
}

/** The store that a command works on. */
export function openStore(path: string | undefined): Store {
  return Store.open(path === undefined ? DEFAULT_STORE : userPath(path));
}

/** Cores and memory (MiB) of this machine. */
export function machineCapacity(): { cores: number; memory: number } {
  return { cores: availableParallelism(), memory: Math.floor(totalmem() / 2 ** 20) };
}

/** The machine as speeds are kept of it: its processor, not its name. */
function machineName(): string {
  return `${cpus()[0]?.model ?? Deno.build.arch}, ${availableParallelism()} cores`;
}

/** The names of the recipes that come with the project. */
export function recipeNames(): string[] {
  return [...Deno.readDirSync(join(PROJECT_FOLDER, "recipes"))]
    .filter(({ name }) => name.endsWith(".yaml"))
    .map(({ name }) => basename(name, ".yaml"))
    .sort();
}

/** The text of a recipe that comes with the project. */
export function readRecipe(name: string): { text: string; path: string } | null {
  if (!recipeNames().includes(name)) return null;
  const { path, shown } = recipePath(name);
  return { text: Deno.readTextFileSync(path), path: shown };
}

function recipePath(name: string): { path: string; shown: string } {
  if (name.endsWith(".yaml") || name.endsWith(".yml")) {
    const path = userPath(name);
    if (lookUp(path) === "file") return { path, shown: name };
    throw new InputError([{ path: "--recipe", message: `There is no file ${path}.` }]);
  }
  const known = recipeNames();
  if (!known.includes(name)) {
    throw new InputError([{
      path: "--recipe",
      message: `There is no recipe ${name}; expected one of ${known.join(", ")}, or a YAML file.`,
      nearest: nearest(name, known),
    }]);
  }
  return { path: join(PROJECT_FOLDER, "recipes", `${name}.yaml`), shown: `recipes/${name}.yaml` };
}
