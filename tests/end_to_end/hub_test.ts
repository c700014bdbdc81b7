import assert from "node:assert/strict";
import { join } from "node:path";
import { FakeHub } from "../data/hub/fake_hub.ts";
import { writeSmallModel } from "../cli/small_model.ts";
import { ballast, ballastJson, type RunDocument } from "./ballast.ts";
import { ScratchFolder } from "./scratch_folder.ts";

const COMMIT = "0123456789abcdef0123456789abcdef01234567";
const TOKEN = "hf_neverToBeSeen";
const content = (text: string) => new TextEncoder().encode(text);
const row = (prompt: string) => `${JSON.stringify({ prompt, chosen: "c", rejected: "r" })}\n`;

async function smallModel(): Promise<Uint8Array<ArrayBuffer>> {
  await using scratch = await ScratchFolder.make();
  await writeSmallModel(scratch.path);
  return await Deno.readFile(join(scratch.path, "model.gguf"));
}

const repositories = {
  "datasets/o/d": {
    commit: COMMIT,
    revisions: ["main"],
    token: TOKEN,
    files: {
      "data/train_prefs.jsonl": { content: content(row("a") + row("b")), large: true },
      "data/test_prefs.jsonl": { content: content(row("c")) },
    },
  },
  "models/o/m": {
    commit: COMMIT,
    revisions: ["main"],
    files: { "m.gguf": { content: await smallModel(), large: true } },
  },
};

Deno.test("a recipe takes pairs and a model from the hub, with the token in nothing that is kept", async () => {
  await using scratch = await ScratchFolder.make();
  await using hub = new FakeHub(repositories);
  const downloadHosts = `["${hub.storageHost}"]`;
  await Deno.writeTextFile(
    join(scratch.path, "hub.yaml"),
    `recipe: from-hub
describe: Pairs and a model from the hub.
stages:
  data:
    uses: read-pairs
    params:
      hub: { dataset: o/d, revision: ${COMMIT}, downloadHosts: ${downloadHosts} }
  model:
    uses: base-model
    params:
      hub: { model: o/m, revision: main, file: m.gguf, downloadHosts: ${downloadHosts} }
`,
  );
  const args = ["run", "data", "model", "--recipe", "hub.yaml", "--store", "store"];
  const place = {
    folder: scratch.path,
    environment: { HF_ENDPOINT: hub.endpoint, HF_TOKEN: TOKEN, HF_HUB_OFFLINE: "0" },
  };
  const offline = { ...place, environment: { ...place.environment, HF_HUB_OFFLINE: "1" } };
  const refused = await ballast(args, offline);
  assert.equal(refused.code, 1);
  assert.match(
    refused.stderr,
    /HF_HUB_OFFLINE is set, and the dataset o\/d at 0123\w+ has not been/,
  );
  assert.equal(hub.seen.length, 0);

  const called = await ballast([...args, "--json", "--progress", "ndjson"], place);
  assert.equal(called.code, 0, called.stderr);
  const run = JSON.parse(called.stdout) as RunDocument;
  assert.deepEqual([...run.ran].sort(), ["data", "model"]);
  assert.match(
    called.stderr,
    new RegExp(`taken at main, which may move; to pin it: revision: ${COMMIT}`),
  );
  assert.ok(!`${called.stdout}${called.stderr}`.includes(TOKEN));
  assert.ok(hub.seen.every(({ host, authorization }) => host === "hub" || authorization === null));
  const found = await new Deno.Command("grep", { args: ["-rl", TOKEN, scratch.path] }).output();
  assert.equal(new TextDecoder().decode(found.stdout), "");

  const asked = hub.seen.length;
  const again = await ballastJson<RunDocument>(args, offline);
  assert.deepEqual([...again.cached].sort(), ["data", "model"]);
  assert.equal(hub.seen.length, asked);
  const out = join(scratch.path, "exported");
  await ballastJson(["export", "model", ...args.slice(3), "--out", out], offline);
  const card = await Deno.readTextFile(join(out, "README.md"));
  assert.match(card, /^license: "?apache-2\.0"?\nbase_model: "?o\/m"?$/m);
  assert.match(card, new RegExp(`\\| o/m at ${COMMIT} \\|`), "the branch, as it was resolved");
  assert.equal((await ballast(["verify", "--deep", "--store", "store"], place)).code, 0);
});
