import assert from "node:assert/strict";
import { join } from "node:path";
import { writeSmallModel } from "../cli/small_model.ts";
import { GOOD_ROW } from "../data/sources/malformed_file.ts";
import { MALFORMED_FILES } from "../data/sources/malformed_files.ts";
import { ballast, ballastJson, digestsOf, type RunDocument } from "../end_to_end/ballast.ts";
import { ScratchFolder } from "../end_to_end/scratch_folder.ts";
import { MALFORMED_MODELS, writeMalformed } from "./malformed_models.ts";

interface Case {
  readonly name: string;
  /** The stage that is given it, and the path. */
  readonly uses: "read-pairs" | "base-model";
  readonly path: string;
  readonly expected: RegExp;
}

/** Every malformed file of the two tables, each in a folder of its own. */
async function writeCases(folder: string): Promise<Case[]> {
  const cases: Case[] = [];
  for (const [i, { name, file, content, expected }] of MALFORMED_FILES.entries()) {
    const path = join(folder, `pairs${i}`);
    await Deno.mkdir(path);
    await content(join(path, file));
    await Deno.writeTextFile(join(path, "test_prefs.jsonl"), GOOD_ROW);
    cases.push({ name, uses: "read-pairs", path, expected });
  }
  for (const [i, one] of MALFORMED_MODELS.entries()) {
    const path = await writeMalformed(one, folder, join(folder, `model${i}`));
    cases.push({ name: one.name, uses: "base-model", path, expected: one.expected });
  }
  return cases;
}

function recipe(entries: Readonly<Record<string, { uses: string; path: string }>>): string {
  const stages = Object.entries(entries).map(([name, { uses, path }]) => [
    name,
    { uses, params: { path } },
  ]);
  return JSON.stringify({
    recipe: "files",
    describe: "Files that are read.",
    stages: Object.fromEntries(stages),
  });
}

/** Every file of a store that a run may add to, its events and records of runs left out. */
async function contentsOf(store: string): Promise<string[]> {
  const found: string[] = [];
  const walk = async (folder: string) => {
    for await (const { name, isDirectory } of Deno.readDir(join(store, folder))) {
      if (isDirectory) await walk(join(folder, name));
      else found.push(join(folder, name));
    }
  };
  for (const folder of ["objects", "keys", "tmp", "scratch"]) {
    await walk(folder).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
  }
  return found.sort();
}

Deno.test("malformed files of pairs and models fail their stages alone, by name, and leave the store as it was", async () => {
  await using scratch = await ScratchFolder.make();
  await writeSmallModel(scratch.path);
  const cases = await writeCases(scratch.path);
  const good = join(scratch.path, "good");
  await Deno.mkdir(good);
  for (const split of ["train", "test"]) {
    await Deno.writeTextFile(join(good, `${split}_prefs.jsonl`), GOOD_ROW);
  }
  const sound = {
    pairs: { uses: "read-pairs", path: good },
    model: { uses: "base-model", path: join(scratch.path, "model.gguf") },
  };
  const file = join(scratch.path, "files.yaml");
  const store = join(scratch.path, "store");
  const run = ["run", "--recipe", file, "--store", store];

  await Deno.writeTextFile(file, recipe(sound));
  const whole = await ballastJson<RunDocument>([...run, "pairs", "model"]);
  const before = await contentsOf(store);
  const named = Object.fromEntries(cases.map((one, i) => [`bad${i}`, one]));
  await Deno.writeTextFile(file, recipe({ ...sound, ...named }));
  const { code, stdout } = await ballast([
    ...run,
    "pairs",
    "model",
    ...Object.keys(named),
    "--json",
  ]);
  assert.equal(code, 1);
  const { failed, cached, ran } = JSON.parse(stdout) as RunDocument;
  assert.deepEqual([...cached].sort(), ["model", "pairs"]);
  assert.deepEqual(ran, []);
  const errors = new Map(failed.map(({ id, error }) => [id, error]));
  for (const [id, { name, path, expected }] of Object.entries(named)) {
    const folder = path.replace(/\/(folder|model\.gguf)$/, "");
    const said = (errors.get(id) ?? "").replaceAll(`${folder}/folder/`, "").replaceAll(
      `${folder}/`,
      "",
    ).replaceAll(folder, "");
    assert.match(said, expected, `${name}: ${said}`);
    assert.ok(!said.includes("    at "), `${name}: no stack trace`);
  }
  assert.equal(errors.size, cases.length);
  assert.deepEqual(await contentsOf(store), before);
  assert.equal((await ballast(["verify", "--deep", "--store", store])).code, 0);
  const again = await ballastJson<RunDocument>([...run, "pairs", "model"]);
  assert.deepEqual([again.ran, digestsOf(again)], [[], digestsOf(whole)]);
});
