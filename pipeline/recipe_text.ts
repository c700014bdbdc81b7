import { type Document, isMap, isScalar, LineCounter, parseDocument } from "yaml";
import type { Json } from "../core/json.ts";
import { InputError } from "../core/problem.ts";
import { type Lines, placeIn, type RecipeText } from "./recipe.ts";
import { PROTOTYPE, prototypeKeys } from "./split_path.ts";

/**
 * Reads the YAML of a recipe.
 *
 * @param path for messages
 * @throws InputError with every problem of a text that is no YAML, or has a key or an alias that no recipe
 * can have
 */
export function readRecipeText(text: string, path: string): RecipeText {
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, uniqueKeys: true });
  if (document.errors.length > 0) {
    throw new InputError(
      document.errors.map((error) => ({
        path: `${path}:${counter.linePos(error.pos[0]).line}`,
        message: error.message.split("\n")[0],
      })),
      `The recipe ${path} is not valid YAML`,
    );
  }
  const value = resolveAliases(document, path);
  const lines = linesOf(document.contents, counter);
  const problems = prototypeKeys(value).map((inside) => ({
    path: placeIn(lines, path)(inside),
    message: `${PROTOTYPE} cannot be a key.`,
  }));
  if (problems.length > 0) throw new InputError(problems, `The recipe ${path} has problems`);
  return { value, lines };
}

/** @throws InputError for aliases that stand for nothing, themselves, or more than a recipe can hold */
function resolveAliases(document: Document, path: string): Json {
  try {
    const value = document.toJS({ maxAliasCount: 50 }) as Json;
    JSON.stringify(value); // refuses what holds itself
    return value;
  } catch (error) {
    const message = `Its aliases cannot be resolved: ${(error as Error).message.split("\n")[0]}.`;
    throw new InputError([{ path, message }]);
  }
}

/** The lines of a record's keys and, inside, of those of its values; nothing of other nodes. */
function linesOf(node: unknown, counter: LineCounter): Lines {
  if (!isMap(node)) return {};
  return Object.fromEntries(node.items.flatMap(({ key, value }) => {
    if (!isScalar(key) || !key.range) return [];
    const { line } = counter.linePos(key.range[0]);
    const inside = linesOf(value, counter);
    return [[String(key.value), Object.keys(inside).length === 0 ? { line } : { line, inside }]];
  }));
}
