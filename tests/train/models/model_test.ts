import assert from "node:assert/strict";
import { InputError } from "../../../core/problem.ts";
import { float32 } from "../../../core/tensor.ts";
import { parseModelConfig } from "../../../train/models/config.ts";
import { copyModel } from "../../../train/models/copy_model.ts";
import { FAMILIES, type Family } from "../../../train/models/families.ts";
import { initializeModel, loadModel, saveModel } from "../../../train/models/model.ts";
import { parameterCount, parametersOf } from "../../../train/models/parameters.ts";
import { writeSafetensors } from "../../../train/models/safetensors.ts";
import { goldenModel } from "../golden.ts";

const config = parseModelConfig({
  model_type: "llama",
  vocab_size: 11,
  hidden_size: 8,
  intermediate_size: 12,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  initializer_range: 0.5,
}, "config.json");

Deno.test("initializeModel() depends on the seed alone and fills norms with one", () => {
  const first = initializeModel(config, 1);
  assert.deepEqual(initializeModel(config, 1), first);
  const embedding = "model.embed_tokens.weight";
  assert.notDeepEqual(
    initializeModel(config, 2).weights.get(embedding),
    first.weights.get(embedding),
  );
  assert.deepEqual([...first.weights.get("model.norm.weight")!.data], Array(8).fill(1));
});

Deno.test("initializeModel() fills biases with zero, and norms with what makes them multiply by one", () => {
  const filled = (family: Family, name: string) => [
    ...new Set(initializeModel({ ...config, family }, 1).weights.get(name)!.data),
  ];
  for (const name of ["q_proj", "k_proj", "v_proj"]) {
    assert.deepEqual(filled("qwen2", `model.layers.1.self_attn.${name}.bias`), [0]);
  }
  assert.deepEqual(filled("qwen2", "model.layers.1.input_layernorm.weight"), [1]);
  assert.deepEqual(filled("gemma", "model.layers.1.input_layernorm.weight"), [0]);
  assert.deepEqual(filled("gemma", "model.norm.weight"), [0]);
});

Deno.test("initializeModel() draws matrices with the config's standard deviation", () => {
  const wide = initializeModel({ ...config, vocabSize: 5000 }, 1);
  const { data } = wide.weights.get("model.embed_tokens.weight")!;
  const mean = data.reduce((sum, x) => sum + x, 0) / data.length;
  const deviation = Math.sqrt(data.reduce((sum, x) => sum + (x - mean) ** 2, 0) / data.length);
  assert(Math.abs(mean) < 0.01 && Math.abs(deviation - 0.5) < 0.01, `${mean} ${deviation}`);
});

Deno.test("saveModel() and loadModel() round-trip", async () => {
  const folder = await Deno.makeTempDir();
  const model = initializeModel(config, 1);
  await saveModel(model, `${folder}/model`);
  assert.deepEqual(await loadModel(`${folder}/model`), model);
  assert.deepEqual([...Deno.readDirSync(`${folder}/model`)].map(({ name }) => name).sort(), [
    "config.json",
    "generation_config.json",
    "model.safetensors",
  ]);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a model ends replies as generation_config.json says, too, and keeps what else that says", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/generation_config.json`;
  const says = { temperature: 0.6, top_k: 20, transformers_version: "5.23.0" };
  await saveModel(initializeModel({ ...config, eosTokenIds: [2] }, 1), folder);
  const write = (fields: unknown) => Deno.writeTextFile(path, JSON.stringify(fields));
  await write({ ...says, bos_token_id: 3, eos_token_id: [1, 2, 7], pad_token_id: 0 });
  const model = await loadModel(folder);
  assert.deepEqual(model.config.eosTokenIds, [1, 2, 7]);
  assert.deepEqual([model.config.bosTokenId, model.config.padTokenId], [3, 0]);
  assert.deepEqual(model.config.generation, says);

  const read = async (name: string) => JSON.parse(await Deno.readTextFile(`${folder}/${name}`));
  await saveModel(model, `${folder}/saved`);
  const expected = { ...says, bos_token_id: 3, eos_token_id: [1, 2, 7], pad_token_id: 0 };
  assert.deepEqual(await read("saved/generation_config.json"), expected);
  assert.deepEqual((await read("saved/config.json")).eos_token_id, [1, 2, 7]);
  assert.deepEqual((await loadModel(`${folder}/saved`)).config, model.config);
  assert.deepEqual(await copyModel(folder, `${folder}/copied`), model.config);
  assert.deepEqual(await read("copied/generation_config.json"), expected);

  await write({ eos_token_id: "</s>" });
  await assert.rejects(loadModel(folder), {
    name: "InputError",
    message: `${path}: eos_token_id: Expected a token id or a list of them but found "</s>".`,
  });
  await Deno.remove(folder, { recursive: true });
});

Deno.test("loadModel() reads shards that an index names", async () => {
  const folder = await Deno.makeTempDir();
  const model = initializeModel(config, 1);
  await saveModel(model, folder);
  await Deno.remove(`${folder}/model.safetensors`);
  const entries = [...model.weights];
  await writeSafetensors(`${folder}/a.safetensors`, new Map(entries.slice(0, 5)));
  await writeSafetensors(`${folder}/b.safetensors`, new Map(entries.slice(5)));
  const shards = entries.map(([name], i) => [name, i < 5 ? "a.safetensors" : "b.safetensors"]);
  const index = `${folder}/model.safetensors.index.json`;
  await Deno.writeTextFile(index, JSON.stringify({ weight_map: Object.fromEntries(shards) }));
  assert.deepEqual(await loadModel(folder), model);
  await Deno.writeTextFile(index, JSON.stringify({ weight_map: { x: "../a.safetensors" } }));
  await assert.rejects(loadModel(folder), (error) => {
    assert(error instanceof InputError);
    assert.match(error.message, /Expected weight_map to name \*\.safetensors files/);
    return true;
  });
  await Deno.remove(folder, { recursive: true });
});

Deno.test("loadModel() names every weight that is missing, misshapen or unexplained", async () => {
  const folder = await Deno.makeTempDir();
  const model = initializeModel(config, 1);
  const weights = new Map(model.weights);
  weights.delete("lm_head.weight");
  weights.set("model.norm.weight", float32([2], new Float32Array(2)));
  weights.set("model.layers.0.self_attn.q_proj.bias", float32([8], new Float32Array(8)));
  weights.set("model.rotary_emb.inv_freq", float32([2], new Float32Array(2)));
  await saveModel({ config, weights }, folder);
  await assert.rejects(loadModel(folder), (error) => {
    assert(error instanceof InputError);
    assert.deepEqual(
      error.problems.map(({ path, message }) => path.slice(folder.length) + message),
      [
        ": model.norm.weightExpected shape [8] but found [2].",
        ": lm_head.weightThe weight is missing.",
        ": model.layers.0.self_attn.q_proj.biasThe weight is not part of a llama model of this config.",
      ],
    );
    return true;
  });
  await Deno.remove(folder, { recursive: true });
});

Deno.test("loadModel() says which file does not exist", async () => {
  await assert.rejects(loadModel("/nonexistent"), {
    name: "InputError",
    message: "/nonexistent/config.json: The file does not exist.",
  });
});

for (const family of FAMILIES) {
  Deno.test(`loadModel() reads a ${family} folder that transformers wrote`, async () => {
    const { config, weights } = await goldenModel(family);
    assert.equal(config.family, family);
    assert.deepEqual([...weights.keys()], parametersOf(config).map(({ name }) => name));
    const count = [...weights.values()].reduce((sum, { data }) => sum + data.length, 0);
    assert.equal(parameterCount(config), count);
  });
}

Deno.test("loadModel() holds an index and its shards to each other", async () => {
  const folder = await Deno.makeTempDir();
  const { weights } = initializeModel(config, 1);
  await saveModel({ config, weights }, folder);
  await Deno.remove(`${folder}/model.safetensors`);
  const names = [...weights.keys()];
  await writeSafetensors(`${folder}/a.safetensors`, new Map([...weights].slice(0, 5)));
  await writeSafetensors(`${folder}/b.safetensors`, new Map([...weights].slice(4)));
  const map = Object.fromEntries(
    names.map((name, i) => [name, `${i < 5 ? "a" : "b"}.safetensors`]),
  );
  const index = `${folder}/model.safetensors.index.json`;
  const refused = async (weight_map: unknown) => {
    const text = typeof weight_map === "string" ? weight_map : JSON.stringify({ weight_map });
    await Deno.writeTextFile(index, text);
    return await loadModel(folder).then(() => [], (error) => {
      assert(error instanceof InputError, `${error}`);
      return error.problems.map(({ path, message }) =>
        `${path}: ${message}`.replaceAll(`${folder}/`, "")
      );
    });
  };
  const file = "model.safetensors.index.json";
  assert.deepEqual(await refused(map), [
    `b.safetensors: ${
      names[4]
    }: Expected it in a.safetensors, by ${file}, but found it in this file.`,
  ]);
  await writeSafetensors(`${folder}/b.safetensors`, new Map([...weights].slice(5, -1)));
  assert.deepEqual(await refused(map), [
    `${file}: ${names.at(-1)}: Expected b.safetensors to hold it but found that it does not.`,
  ]);
  const expected = `${file}: Expected weight_map to name *.safetensors files but found`;
  for (
    const name of [
      "../a.safetensors",
      "/a.safetensors",
      "sub/a.safetensors",
      "..\\a.safetensors",
      ".safetensors/../a.safetensors",
      "a.safetensors\0",
      "a.bin",
      7,
      null,
    ]
  ) {
    assert.deepEqual(await refused({ ...map, x: name }), [
      `${expected} ${JSON.stringify([name])}.`,
    ]);
  }
  for (const none of [{}, [], null, "a.safetensors"]) {
    const text = JSON.stringify({ weight_map: none });
    assert.deepEqual(await refused(text), [`${expected} ${JSON.stringify(none)}.`]);
  }
  assert.deepEqual(await refused("null"), [`${expected} null.`]);
  assert.deepEqual(await refused('{"weight_map": {"__proto__": "c.safetensors"}}'), [
    "c.safetensors: The file does not exist.",
  ]);
  await Deno.remove(folder, { recursive: true });
});
