import type { ModelConfig } from "./config.ts";
import { isFile, readJson, writeJson } from "./folder_files.ts";
import { loadModel, loadModelConfig, saveModel } from "./model.ts";
import { readSafetensorsFolder } from "./safetensors_folder.ts";
import { checkWeights } from "./weights.ts";

const INDEX = "model.safetensors.index.json";

/**
 * Makes a Hugging Face folder of a model, without its tokenizer: a folder's files are copied with their
 * element types, a GGUF file's weights are written as float32.
 *
 * @throws InputError as `loadModel`; of a folder, whose weights are not read, for the config, the
 * headers of its safetensors files and the weights that they name
 */
export async function copyModel(from: string, folder: string): Promise<ModelConfig> {
  await Deno.mkdir(folder, { recursive: true });
  if (await isFile(from)) {
    const model = await loadModel(from);
    await saveModel(model, folder);
    return model.config;
  }
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

/** Not `Deno.copyFile`, which would keep a read-only file read-only. */
async function copyFile(from: string, to: string): Promise<void> {
  using source = await Deno.open(from, { read: true });
  await Deno.writeFile(to, source.readable);
}
