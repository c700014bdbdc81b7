import { elementCount } from "../../core/tensor.ts";
import type { ModelConfig } from "./config.ts";
import { formatGenerationConfig, formatModelConfig } from "./config_format.ts";
import { isFile } from "../../core/is_file.ts";
import { readJson, writeJson } from "../../core/json_file.ts";
import { openGgufModel } from "./gguf_model.ts";
import { loadModelConfig } from "./model.ts";
import { parametersOf } from "./parameters.ts";
import { type TensorSource, writeSafetensors } from "./safetensors.ts";
import { readSafetensorsFolder } from "./safetensors_folder.ts";
import { readStoredTensor } from "./stored_tensor.ts";
import { checkWeights } from "./weights.ts";

const INDEX = "model.safetensors.index.json";

/**
 * Makes a Hugging Face folder of a model, without its tokenizer: a folder's files are copied with their
 * element types, a GGUF file's weights are written as float32. It holds one weight at a time.
 *
 * @throws InputError as `loadModel`; of a folder, whose weights are not read, for the config, the
 * headers of its safetensors files and the weights that they name
 */
export async function copyModel(from: string, folder: string): Promise<ModelConfig> {
  await Deno.mkdir(folder, { recursive: true });
  if (await isFile(from)) return await copyGgufModel(from, folder);
  const config = await loadModelConfig(from);
  const found = await readSafetensorsFolder(from);
  checkWeights(config, found, from);
  const paths = [...found.values()].map(({ path }) => path);
  const extra = ["generation_config.json", INDEX].map((name) => `${from}/${name}`);
  await writeJson(`${folder}/config.json`, await readJson(`${from}/config.json`));
  for (const path of new Set([...paths, ...extra])) {
    if (await isFile(path)) await copyFile(path, `${folder}/${path.split("/").at(-1)}`);
  }
  return config;
}

/** One weight after another, in an array that all share. */
async function copyGgufModel(from: string, folder: string): Promise<ModelConfig> {
  const { config, tensors, restore } = await openGgufModel(from);
  checkWeights(config, tensors, from);
  const sizes = parametersOf(config).map(({ name, dims }) => ({
    name,
    dims,
    size: elementCount(dims),
  }));
  const shared = new Float32Array(Math.max(...sizes.map(({ size }) => size)));
  const sources = sizes.map(({ name, dims, size }): [string, TensorSource] => [name, {
    dims,
    async make() {
      const tensor = await readStoredTensor(tensors.get(name)!, shared.subarray(0, size));
      restore(name, tensor);
      return tensor;
    },
  }]);
  await writeJson(`${folder}/config.json`, formatModelConfig(config, "float32"));
  await writeJson(`${folder}/generation_config.json`, formatGenerationConfig(config));
  await writeSafetensors(`${folder}/model.safetensors`, new Map(sources));
  return config;
}

/** Not `Deno.copyFile`, which would keep a read-only file read-only. */
async function copyFile(from: string, to: string): Promise<void> {
  using source = await Deno.open(from, { read: true });
  await Deno.writeFile(to, source.readable);
}
