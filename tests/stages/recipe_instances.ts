import { readRecipe } from "../../cli/session.ts";
import { expand } from "../../pipeline/expand.ts";
import type { Instance } from "../../pipeline/instance.ts";
import { parseOverrides } from "../../pipeline/overrides.ts";
import { parseRecipe, type RecipeSource } from "../../pipeline/recipe.ts";
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
