import { z } from "../../core/zod.ts";
import { InputError, nearest } from "../../core/problem.ts";
import { parseRecipe } from "../../pipeline/recipe.ts";
import type { Stage } from "../../pipeline/stage.ts";
import { stages } from "../../stages/registry.ts";
import { printJson, printResult } from "../output.ts";
import { readRecipe, recipeNames } from "../session.ts";

/** Lists the recipes that come with the project. */
export async function listRecipes({ json }: { json: boolean }): Promise<void> {
  const recipes = await Promise.all(
    recipeNames().map(async (name) => {
      const { text, path } = readRecipe(name)!;
      const { recipe: { describe } } = await parseRecipe(text, path, readRecipe);
      return { name, describe };
    }),
  );
  if (json) printJson({ recipes });
  else printResult(recipes.map(({ name, describe }) => `${name}\n  ${describe}`).join("\n"));
}

/** Lists the stages, or one with its ports and parameters. */
export function listStages(name: string | undefined, { json }: { json: boolean }): void {
  if (name === undefined) {
    const all = [...stages.values()].map(({ name, describe }) => ({ name, describe }));
    if (json) return printJson({ stages: all });
    const width = Math.max(...all.map(({ name }) => name.length));
    return printResult(
      all.map(({ name, describe }) => `${name.padEnd(width)}  ${describe}`).join("\n"),
    );
  }
  const stage = stages.get(name);
  if (stage === undefined) {
    const known = [...stages.keys()];
    throw new InputError([{
      path: name,
      message: `There is no such stage; expected one of ${known.join(", ")}.`,
      nearest: nearest(name, known),
    }]);
  }
  const params = z.toJSONSchema(stage.params, { io: "input", unrepresentable: "any" });
  if (json) {
    const { describe, inputs, outputs } = stage;
    return printJson({ name, describe, inputs, outputs, params });
  }
  printResult(
    [stage.describe, ...portLines(stage), "parameters", ...paramLines(params)].join("\n"),
  );
}

function portLines({ inputs, outputs }: Stage): string[] {
  const line = ([name, { type, describe, ...port }]: [string, Stage["inputs"][string]]) => {
    const kind = [port.many ? "many" : "", port.optional ? "optional" : ""].filter((word) => word);
    const text = describe === undefined ? "" : `: ${describe}`;
    return `  ${name} (${[type, ...kind].join(", ")})${text}`;
  };
  return [
    "inputs",
    ...Object.entries(inputs).map(line),
    "outputs",
    ...Object.entries(outputs).map(line),
  ];
}

type JsonSchema = z.core.JSONSchema.BaseSchema;

/** One line a parameter; a union's variants follow one another. */
function paramLines(schema: JsonSchema): string[] {
  const variants = (schema.oneOf ?? schema.anyOf) as JsonSchema[] | undefined;
  if (variants !== undefined) return [...new Set(variants.flatMap(paramLines))];
  return Object.entries(schema.properties ?? {}).map(([name, value]) => {
    const property = value as JsonSchema;
    const required = schema.required?.includes(name) ? "" : "optional ";
    const initial = property.default === undefined
      ? ""
      : `, default ${JSON.stringify(property.default)}`;
    const text = property.description === undefined ? "" : `: ${property.description}`;
    return `  ${name} (${required}${kindOf(property)}${initial})${text}`;
  });
}

function kindOf({ type, const: constant, enum: choices }: JsonSchema): string {
  if (constant !== undefined) return JSON.stringify(constant);
  if (choices !== undefined) return choices.join(" | ");
  return typeof type === "string" ? type : "one of several forms";
}
