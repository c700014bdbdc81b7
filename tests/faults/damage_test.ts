import assert from "node:assert/strict";
import { join } from "node:path";
import {
  ballast,
  ballastJson,
  digestsOf,
  type PlanDocument,
  type RunDocument,
} from "../end_to_end/ballast.ts";
import { ScratchFolder } from "../end_to_end/scratch_folder.ts";
import { SMALL_TINY } from "../end_to_end/small_tiny.ts";

interface Verified {
  damages: { kind: string; path: string; faults: string[]; movedTo: string | null }[];
  incompleteKeys: string[];
}

Deno.test("a flipped byte and a cut key file are named, moved away and made again", async () => {
  await using scratch = await ScratchFolder.make();
  const store = join(scratch.path, "store");
  const here = [...SMALL_TINY, "--store", store];
  const run = ["run", "demonstration-tokens", "initial", ...here];
  const verify = ["verify", "--store", store];
  const whole = await ballastJson<RunDocument>(run);
  const stage = (id: string) => whole.stages.find((one) => one.id === `${id}@seed=0`)!;

  const { digest } = stage("initial").outputs.model;
  const object = `objects/${digest.slice(0, 2)}/${digest}`;
  const weights = join(store, object, "model.safetensors");
  const bytes = await Deno.readFile(weights);
  bytes[bytes.length >> 1] ^= 1;
  await Deno.writeFile(weights, bytes);
  const { key } = stage("demonstration-tokens");
  const record = `keys/${key.slice(0, 2)}/${key}.json`;
  await Deno.truncate(join(store, record), 100);

  const named = await ballast(verify);
  assert.equal(named.code, 1);
  assert(named.stdout.includes(`${object}: model.safetensors has changed bytes`), named.stdout);
  assert(named.stdout.includes(`${record}: `), named.stdout);
  const { stages } = await ballastJson<PlanDocument>(["plan", ...here, "--to", "initial"]);
  assert.equal(stages.length, 2, "a damaged store can still be planned on");

  const repaired = await ballast([...verify, "--repair", "--json"]);
  assert.equal(repaired.code, 1, "damage was found");
  const { damages } = JSON.parse(repaired.stdout) as Verified;
  assert.deepEqual(damages.map(({ kind, path }) => [kind, path]), [["object", object], [
    "key",
    record,
  ]]);
  for (const { movedTo } of damages) await Deno.stat(join(store, movedTo!));

  const healed = await ballastJson<RunDocument>(run);
  assert.deepEqual(new Set(healed.ran), new Set(["initial@seed=0", "demonstration-tokens@seed=0"]));
  assert.deepEqual(digestsOf(healed), digestsOf(whole));
  assert.equal((await ballast([...verify, "--deep"])).code, 0);
});

Deno.test("a file missing from an object is noticed without verify and made again", async () => {
  await using scratch = await ScratchFolder.make();
  const store = join(scratch.path, "store");
  const run = ["run", "initial", ...SMALL_TINY, "--store", store];
  const whole = await ballastJson<RunDocument>(run);
  const { digest } = whole.stages.at(-1)!.outputs.model;
  await Deno.remove(join(store, "objects", digest.slice(0, 2), digest, "model.safetensors"));
  const { ran, stages } = await ballastJson<RunDocument>(run);
  assert.deepEqual(ran, ["initial@seed=0"]);
  assert.deepEqual(digestsOf({ ...whole, stages }), digestsOf(whole));
});

Deno.test("a lost or broken catalog is made again by verify --rebuild", async () => {
  await using scratch = await ScratchFolder.make();
  const store = join(scratch.path, "store");
  await ballastJson(["run", "world", ...SMALL_TINY, "--store", store]);
  await Deno.writeTextFile(join(store, "catalog.duckdb"), "no database");
  const rebuilt = await ballast(["verify", "--rebuild", "--store", store]);
  assert.equal(rebuilt.code, 0, rebuilt.stderr);
  const sql = "select count(*) as keys from keys";
  const rows = await ballastJson(["status", "--store", store, "--sql", sql]);
  assert.deepEqual(rows, [{ keys: 1 }]);
});
