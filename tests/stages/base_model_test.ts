import assert from "node:assert/strict";
import { loadTokenizer } from "../../data/tokenizer/tokenizer.ts";
import { saveTokenizerFiles } from "../../data/tokenizer/tokenizer_files.ts";
import baseModel from "../../stages/base_model.ts";
import { modelSizes } from "../../train/costs/model_sizes.ts";
import { loadModel } from "../../train/models/model.ts";
import { type ModelShape, parameterCount } from "../../train/models/parameters.ts";
import { writeSmallModel } from "../cli/small_model.ts";
import { ScratchFolder } from "../end_to_end/scratch_folder.ts";
import { runStage, temporaryFolder } from "./run_stage.ts";

Deno.test("base-model gives the same model of a folder and of a GGUF file, each with its tokenizer", async () => {
  await using scratch = await ScratchFolder.make();
  await writeSmallModel(scratch.path);
  const [folder, file] = await Promise.all(
    ["folder", "model.gguf"].map(async (name) => {
      const { output, log } = await runStage(baseModel, { path: `${scratch.path}/${name}` });
      const { config, weights } = await loadModel(output("model"));
      assert.match(log[0], /^qwen2, 1 layers of 16, 280 tokens$/);
      const tokenizer = await loadTokenizer(output("tokenizer"));
      assert.deepEqual((await loadTokenizer(output("model"))).config, tokenizer.config);
      const { source } = tokenizer.chatTemplate!;
      return { config, weights, ids: tokenizer.encode("name two tools<|end|>"), source };
    }),
  );
  assert.deepEqual(file.weights, folder.weights);
  assert.deepEqual(file.ids, folder.ids);
  assert.equal(file.source, folder.source);
  assert.equal(file.config.hiddenSize, folder.config.hiddenSize);
});

Deno.test("base-model gives a model the chat template of the recipe, in both outputs", async () => {
  await using scratch = await ScratchFolder.make();
  await writeSmallModel(scratch.path);
  const source = "{% for m in messages %}{{ m.role }}{% endfor %}";
  const chatTemplate = `${scratch.path}/roles.jinja`;
  await Deno.writeTextFile(chatTemplate, source);
  for (const name of ["folder", "model.gguf"]) {
    const { output } = await runStage(baseModel, { path: `${scratch.path}/${name}`, chatTemplate });
    for (const port of ["model", "tokenizer"]) {
      assert.equal((await loadTokenizer(output(port))).chatTemplate!.source, source);
      assert.equal(await Deno.readTextFile(`${output(port)}/chat_template.jinja`), source);
      // transformers 4 reads this one: none may contradict it.
      const config = JSON.parse(await Deno.readTextFile(`${output(port)}/tokenizer_config.json`));
      assert.equal(config.chat_template, undefined);
    }
  }
  await Deno.writeTextFile(chatTemplate, "{% for %}");
  await assert.rejects(runStage(baseModel, { path: `${scratch.path}/folder`, chatTemplate }), {
    name: "InputError",
    message: /roles\.jinja: Expected a Jinja template but found/,
  });
});

Deno.test("base-model takes a tokenizer from elsewhere where the model's own is not read", async () => {
  await using scratch = await ScratchFolder.make();
  await writeSmallModel(scratch.path);
  const [path, tokenizer] = [`${scratch.path}/pieces.gguf`, `${scratch.path}/folder`];
  await assert.rejects(runStage(baseModel, { path }), {
    name: "InputError",
    message:
      /tokenizer\.ggml\.model: .* but found "llama", .* tokenizer of the stage base-model\.$/,
  });
  const { output } = await runStage(baseModel, { path, tokenizer });
  const ids = async (folder: string) => (await loadTokenizer(folder)).encode("name two tools");
  assert.deepEqual(await ids(output("model")), await ids(tokenizer));
  assert.deepEqual(await ids(output("tokenizer")), await ids(tokenizer));
});

Deno.test("base-model keeps what a model states of itself and of its licence", async () => {
  await using scratch = await ScratchFolder.make();
  await writeSmallModel(scratch.path);
  const folder = `${scratch.path}/folder`;
  await Deno.writeTextFile(`${folder}/README.md`, "---\nlicense: mit\n---\n# Ours\n");
  await Deno.writeTextFile(`${folder}/LICENSE`, "Do as you like.\n");
  await Deno.writeTextFile(`${folder}/notes.txt`, "of no use\n");
  const card = async (name: string) => {
    const { output } = await runStage(baseModel, { path: `${scratch.path}/${name}` });
    const names = [...Deno.readDirSync(output("model"))].map(({ name }) => name);
    assert.equal(names.includes("LICENSE"), name === "folder");
    assert.ok(!names.includes("notes.txt"));
    return await Deno.readTextFile(`${output("model")}/README.md`);
  };
  assert.equal(await card("folder"), "---\nlicense: mit\n---\n# Ours\n");
  assert.equal(
    await card("model.gguf"),
    '---\nlicense: "apache-2.0"\n---\n\n# A small model\n\nRead from model.gguf, its weights as float32.\n',
  );
});

Deno.test("base-model refuses weights that the config does not explain before it copies them", async () => {
  await using scratch = await ScratchFolder.make();
  await writeSmallModel(scratch.path);
  const path = `${scratch.path}/folder/config.json`;
  const config = JSON.parse(await Deno.readTextFile(path));
  await Deno.writeTextFile(path, JSON.stringify({ ...config, intermediate_size: 25 }));
  await assert.rejects(runStage(baseModel, { path: `${scratch.path}/folder` }), {
    name: "InputError",
    message: /mlp\.gate_proj\.weight: Expected shape \[25, 16\] but found \[24, 16\]\.\n/,
  });
});

Deno.test("base-model refuses a tokenizer with more tokens than the model knows", async () => {
  await using scratch = await ScratchFolder.make();
  await writeSmallModel(scratch.path);
  const path = `${scratch.path}/folder/tokenizer.json`;
  const json = JSON.parse(await Deno.readTextFile(path));
  json.added_tokens.push({ ...json.added_tokens[0], id: 280, content: "<|more|>" });
  await Deno.writeTextFile(path, JSON.stringify(json));
  await assert.rejects(runStage(baseModel, { path: `${scratch.path}/folder` }), {
    name: "InputError",
    message: /Expected at most 280 tokens, as the model has, but found 281\.$/,
  });
});

Deno.test("base-model refuses another model than the recipe expects, field by field", async () => {
  await using scratch = await ScratchFolder.make();
  await writeSmallModel(scratch.path);
  const path = `${scratch.path}/folder`;
  const { config } = await loadModel(path);
  const { parameters, ...shape } = modelSizes(config);
  const expects = { ...shape, tiedEmbeddings: config.tiedEmbeddings, parameters };
  await runStage(baseModel, { path, expects });
  const wider = { ...expects, vocabSize: config.vocabSize + 1 };
  const more = Number(parameters) + config.hiddenSize * (config.tiedEmbeddings ? 1 : 2);
  await assert.rejects(runStage(baseModel, { path, expects: { ...wider, parameters: more } }), {
    name: "InputError",
    message: new RegExp(
      `vocabSize: Expected 281, as the recipe says, but found 280\\.(.|\n)*parameters: `,
    ),
  });
});

Deno.test("base-model refuses a shape and a tokenizer together, and before it copies anything", async () => {
  await using scratch = await ScratchFolder.make();
  await writeSmallModel(scratch.path);
  const { config } = await loadModel(`${scratch.path}/folder`);
  const { parameters: _, ...shape } = modelSizes(config);
  const wider = { ...shape, tiedEmbeddings: true, layers: 2 } as unknown as ModelShape;
  const expects = { ...wider, parameters: parameterCount(wider) };
  const tokenizer = `${scratch.path}/larger`;
  await saveTokenizerFiles(`${scratch.path}/folder`, tokenizer);
  const json = JSON.parse(await Deno.readTextFile(`${tokenizer}/tokenizer.json`));
  json.added_tokens.push({ ...json.added_tokens[0], id: 280, content: "<|more|>" });
  await Deno.writeTextFile(`${tokenizer}/tokenizer.json`, JSON.stringify(json));
  for (const name of ["folder", "model.gguf"]) {
    const root = await temporaryFolder();
    const params = { path: `${scratch.path}/${name}`, tokenizer, expects };
    await assert.rejects(runStage(baseModel, params, {}, root), {
      name: "InputError",
      message:
        /layers: Expected 2, as the recipe says, but found 1\.\n(.|\n)*larger: Expected at most 280/,
    });
    for (const port of ["model", "tokenizer"]) {
      assert.deepEqual([...Deno.readDirSync(`${root}/${port}`)], []);
    }
  }
});

Deno.test("base-model takes a path or the hub, not both, nor neither", () => {
  const hub = { model: "o/m", revision: "main" };
  assert.ok(baseModel.params.safeParse({ hub }).success);
  for (const params of [{}, { path: "a", hub }]) {
    assert.equal(baseModel.params.safeParse(params).success, false);
  }
});
