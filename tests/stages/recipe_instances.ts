import { readRecipe } from "../../cli/session.ts";
import { expand } from "../../pipeline/expand.ts";
import type { Instance } from "../../pipeline/instance.ts";
import { parseOverrides } from "../../pipeline/overrides.ts";
import { parseRecipe } from "../../pipeline/recipe.ts";
import { stages } from "../../stages/registry.ts";

/** The instances of an embedded recipe as it stands, or with what is set otherwise (`train.processes=8`). */
export async function instancesOf(name: string, set: readonly string[] = []): Promise<Instance[]> {
  const { text, path } = readRecipe(name)!;
  const source = await parseRecipe(text, path, readRecipe);
  const folder = "/nowhere";
  return expand(source, {
    stages,
    overrides: [...source.overrides, ...await parseOverrides(set)],
    recipeFolder: folder,
    userFolder: folder,
    lookUp: () => null,
  });
}

/** The parameters of one of them. */
export function paramsOf(instances: readonly Instance[], id: string): Record<string, unknown> {
  return instances.find((one) => one.id === id)!.params as Record<string, unknown>;
}
