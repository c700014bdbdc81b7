import { readRecipe } from "../../cli/session.ts";
import type { CodeIndex } from "../../pipeline/code_digest.ts";
import { expand } from "../../pipeline/expand.ts";
import type { Instance } from "../../pipeline/instance.ts";
import { parseOverrides } from "../../pipeline/overrides.ts";
import { makePlan, type PlannedInstance } from "../../pipeline/plan.ts";
import { parseRecipe, type RecipeSource } from "../../pipeline/recipe.ts";
import { Store } from "../../pipeline/store/store.ts";
import { stages } from "../../stages/registry.ts";

/** The instances of an embedded recipe, with what `--set` says; all that it names is taken to be there. */
export async function instancesOf(name: string, set: readonly string[] = []): Promise<Instance[]> {
  const { text, path } = readRecipe(name)!;
  return await instancesOfSource(await parseRecipe(text, path, readRecipe), set);
}

/** The same of a recipe that was parsed. */
export async function instancesOfSource(
  source: RecipeSource,
  set: readonly string[],
): Promise<Instance[]> {
  return expand(source, {
    stages,
    overrides: [...source.overrides, ...await parseOverrides(set)],
    recipeFolder: "/nowhere",
    userFolder: "/nowhere",
    lookUp: (path) => /\.(gguf|jsonl|csv|yaml)$/.test(path) ? "file" : "folder",
  });
}

/** The parameters of one of them. */
export function paramsOf(instances: readonly Instance[], id: string): Record<string, unknown> {
  return instances.find((one) => one.id === id)!.params as Record<string, unknown>;
}

/** What is planned of an embedded recipe over a store that is empty. */
export async function planOf(
  name: string,
  set: readonly string[] = [],
): Promise<PlannedInstance[]> {
  const folder = await Deno.makeTempDir({ prefix: "ballast-plan-" });
  try {
    return await makePlan(await instancesOf(name, set), {
      recipe: name,
      store: Store.open(`${folder}/store`),
      code: { code: () => Promise.resolve({ modules: {}, packages: [] }) } as unknown as CodeIndex,
      memory: { get: () => undefined, set: () => {} },
      machine: "test",
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
