import assert from "node:assert/strict";
import { parseRecipe } from "../../pipeline/recipe.ts";
import { RecipeMemory } from "../../pipeline/recipe_memory.ts";
import { Store } from "../../pipeline/store/store.ts";

const TEXT = `recipe: small
describe: Two stages.
stages:
  source: { uses: source, params: { value: 3 } }
  doubled:
    uses: multiply
    inputs: { number: source }
    params: { factor: 2 }
`;

/** An empty project with an empty store, to whose memory `open` gives a new holder. */
async function project() {
  const folder = await Deno.makeTempDir({ prefix: "ballast-memory-" });
  await Deno.writeTextFile(`${folder}/deno.lock`, "{}");
  const store = Store.open(`${folder}/store`);
  using _lock = await store.lock(); // makes the store
  return {
    file: `${folder}/store/recipe_texts.json`,
    lock: `${folder}/deno.lock`,
    open: () => RecipeMemory.open(store, folder),
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

Deno.test("a recipe that was read before says the same, line by line", async () => {
  await using at = await project();
  const first = at.open();
  const read = await first.read(TEXT, "small.yaml");
  await first.save();
  assert.deepEqual(await at.open().read(TEXT, "small.yaml"), read);
  const again = at.open();
  const { locate, recipe } = await parseRecipe(
    TEXT,
    "small.yaml",
    () => null,
    (text, path) => again.read(text, path),
  );
  assert.equal(recipe.recipe, "small");
  for (const [path, line] of [[["stages", "doubled", "params", "factor"], 8], [["stages"], 3]]) {
    const found = locate(path as string[]);
    assert.match(found, new RegExp(`^small\\.yaml:${line}: `));
  }
  assert.match(locate(["stages", "source", "nothing"]), /^small\.yaml:4: /);
});

Deno.test("what is remembered is used, while neither the text nor the lock file has changed", async () => {
  await using at = await project();
  const first = at.open();
  await first.read(TEXT, "small.yaml");
  await first.save();
  const kept = await Deno.readTextFile(at.file);
  const memory = at.open();
  const known = await memory.read(TEXT, "small.yaml");
  assert.deepEqual(await memory.read(TEXT, "another.yaml"), known, "by text, not by name");
  const { value } = await memory.read(TEXT.replace("value: 3", "value: 4"), "small.yaml");
  assert.notDeepEqual(value, known.value);
  await memory.save();
  assert.notEqual(await Deno.readTextFile(at.file), kept, "the new text was added");
  await Deno.writeTextFile(at.lock, "{ }");
  const changed = at.open();
  await changed.read(TEXT, "small.yaml");
  await changed.save();
  assert.notEqual(await Deno.readTextFile(at.file), kept, "read anew under another lock file");
});

Deno.test("a damaged memory of recipes is an empty one", async () => {
  await using at = await project();
  await Deno.writeTextFile(at.file, '{"check":"0","value":{}}');
  const memory = at.open();
  const { value } = await memory.read(TEXT, "small.yaml");
  assert.equal((value as { recipe: string }).recipe, "small");
  await memory.save();
  assert.match(await Deno.readTextFile(at.file), /"recipe":"small"/);
});

Deno.test("a text that is no YAML is told as such each time, and never remembered", async () => {
  await using at = await project();
  const memory = at.open();
  for (let i = 0; i < 2; i++) {
    await assert.rejects(memory.read("a: [", "bad.yaml"), /The recipe bad\.yaml is not valid YAML/);
  }
  await memory.save();
  await assert.rejects(Deno.stat(at.file), Deno.errors.NotFound);
});
