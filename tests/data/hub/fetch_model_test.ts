import assert from "node:assert/strict";
import { fetchModel } from "../../../data/hub/fetch_repository.ts";
import { COMMIT, LARGE, openHub, rejection, text } from "./open_hub.ts";

/** What a model's folder holds beside the weights. */
const BESIDE = {
  "config.json": { content: text("{}") },
  "tokenizer.json": { content: text("{}") },
  "tokenizer_config.json": { content: text("{}") },
};

const modelFiles = {
  ...BESIDE,
  "model.safetensors": { content: LARGE, large: true },
  "consolidated.safetensors": { content: LARGE, large: true },
  "gguf/m-Q8_0.gguf": { content: LARGE.slice(0, 5000), large: true },
};

Deno.test("fetchModel() fetches what makes a model folder, or one GGUF file", async () => {
  await using test = await openHub(
    { commit: COMMIT, revisions: ["main"], files: modelFiles },
    "models/o/m",
  );
  const options = { cache: test.cache, access: test.access(), warn: () => {} };
  const { path: folder } = await fetchModel({ model: "o/m", revision: COMMIT }, options);
  const names = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
  assert.deepEqual(names, [
    "config.json",
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
  ]);
  assert.deepEqual(await Deno.readFile(`${folder}/model.safetensors`), LARGE);
  const gguf = { model: "o/m", revision: COMMIT, file: "gguf/m-Q8_0.gguf" };
  assert.equal((await Deno.stat((await fetchModel(gguf, options)).path)).size, 5000);
  const { message } = await rejection(fetchModel({ ...gguf, file: "gguf/m-Q8.gguf" }, options));
  assert.match(
    message,
    /Expected the file gguf\/m-Q8\.gguf but found .* Did you mean "gguf\/m-Q8_0\.gguf"\?$/,
  );
});

Deno.test("fetchModel() follows a branch that moves and leaves the files of the commit before", async () => {
  const weights = (content: Uint8Array<ArrayBuffer>) => ({
    ...modelFiles,
    "model.safetensors": { content, large: true },
  });
  const old = { commit: COMMIT, revisions: ["main"], files: weights(LARGE) };
  await using test = await openHub(old, "models/o/m");
  const at = async () => {
    const options = { cache: test.cache, access: test.access(), warn: () => {} };
    const { path } = await fetchModel({ model: "o/m", revision: "main" }, options);
    return `${path}/model.safetensors`;
  };
  const before = await at();
  const moved = LARGE.toReversed();
  const files = weights(moved);
  test.hub.hold("models/o/m", { commit: COMMIT.replace("0", "f"), revisions: ["main"], files });
  assert.deepEqual(await Deno.readFile(await at()), moved);
  assert.deepEqual(await Deno.readFile(before), LARGE);
});

Deno.test("fetchModel() fetches all shards and their index, and says which weights are read", async () => {
  const shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
  const files = {
    ...BESIDE,
    "model.safetensors.index.json": { content: text("{}") },
    ...Object.fromEntries(shards.map((name) => [name, { content: LARGE, large: true }])),
  };
  await using test = await openHub({ commit: COMMIT, revisions: [], files }, "models/o/m");
  const options = { cache: test.cache, access: test.access(), warn: () => {} };
  const { path } = await fetchModel({ model: "o/m", revision: COMMIT }, options);
  assert.deepEqual(
    [...Deno.readDirSync(path)].map(({ name }) => name).sort(),
    Object.keys(files).sort(),
  );
  test.hub.hold("models/o/bin", {
    commit: COMMIT,
    revisions: [],
    files: { "config.json": BESIDE["config.json"], "pytorch_model.bin": { content: LARGE } },
  });
  assert.equal(
    (await rejection(fetchModel({ model: "o/bin", revision: COMMIT }, options))).message,
    `o/bin@${COMMIT}: Expected tokenizer.json, tokenizer_config.json, model.safetensors in the ` +
      "repository but found config.json, pytorch_model.bin.",
  );
});

Deno.test("fetchModel() fetches nothing of a model that lacks a shard or the index of shards", async () => {
  const shards = ["model-00001-of-00003.safetensors", "model-00003-of-00003.safetensors"];
  const files = {
    ...BESIDE,
    ...Object.fromEntries(shards.map((name) => [name, { content: LARGE, large: true }])),
  };
  await using test = await openHub({ commit: COMMIT, revisions: [], files }, "models/o/m");
  const options = { cache: test.cache, access: test.access(), warn: () => {} };
  const { message } = await rejection(fetchModel({ model: "o/m", revision: COMMIT }, options));
  assert.match(
    message,
    /Expected model\.safetensors\.index\.json, model-00002-of-00003\.safetensors in the repository but found config\.json, /,
  );
  assert.ok(test.hub.seen.every(({ path }) => path.startsWith("/api/")), "only the listing");
});

Deno.test("fetchModel() leaves shards alone where one file holds all weights", async () => {
  const files = { ...modelFiles, "model-00001-of-00002.safetensors": { content: LARGE } };
  await using test = await openHub({ commit: COMMIT, revisions: [], files }, "models/o/m");
  const options = { cache: test.cache, access: test.access(), warn: () => {} };
  const { files: taken } = await fetchModel({ model: "o/m", revision: COMMIT }, options);
  assert.deepEqual(
    taken.map(({ path }) => path).sort(),
    [...Object.keys(BESIDE), "model.safetensors"].sort(),
  );
});
