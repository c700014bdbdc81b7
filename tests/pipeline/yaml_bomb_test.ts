import assert from "node:assert/strict";
import { parseRecipe } from "../../pipeline/recipe.ts";

/** A recipe of a few hundred bytes that would be 9^9 items. */
function aliasBomb(): string {
  const lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"];
  for (let i = 1; i < 9; i++) {
    lines.push(`a${i}: &a${i} [${Array(9).fill(`*a${i - 1}`).join(", ")}]`);
  }
  return `recipe: bomb\ndescribe: d\n${lines.join("\n")}\nstages: {}\n`;
}

const BOMBS = {
  "aliases of aliases": aliasBomb(),
  "an alias of itself": "recipe: bomb\ndescribe: &d [*d]\nstages: {}\n",
  "lists in lists": `recipe: bomb\ndescribe: ${"[".repeat(50_000)}\nstages: {}\n`,
};

for (const [name, text] of Object.entries(BOMBS)) {
  Deno.test(`a recipe that is a YAML bomb is refused at once, as a recipe: ${name}`, async () => {
    const start = performance.now();
    await assert.rejects(parseRecipe(text, "bomb.yaml"), {
      name: "InputError",
      message: /bomb\.yaml/,
    });
    const seconds = (performance.now() - start) / 1000;
    assert(seconds < 10, `${seconds} s`);
  });
}
