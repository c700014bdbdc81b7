import { elementCount, float32 } from "../../core/tensor.ts";
import { readGgufHeader } from "../../core/gguf_file.ts";
import { Random } from "../../core/random.ts";
import { type ModelConfig, parseModelConfig } from "./config.ts";
import { formatGenerationConfig, formatModelConfig } from "./config_format.ts";
import { isFile } from "../../core/is_file.ts";
import { readJson, writeJson } from "../../core/json_file.ts";
import { withGenerationConfig } from "./generation_config.ts";
import { readGgufConfig } from "./gguf_config.ts";
import { readGgufModel } from "./gguf_model.ts";
import { parametersOf } from "./parameters.ts";
import { readSafetensorsFolder } from "./safetensors_folder.ts";
import { writeSafetensorsFolder } from "./safetensors_shards.ts";
import { requireInRange, type StorageDtype } from "./storage_dtype.ts";
import { readWeights, type Weights } from "./weights.ts";

export type { Weights };

/** A language model: its shape and its weights. */
export interface Model {
  readonly config: ModelConfig;
  readonly weights: Weights;
}

/**
 * Reads a model: a file is taken for GGUF; a folder for Hugging Face's, with `config.json` and
 * `model.safetensors`, or the shards that `model.safetensors.index.json` names. Beside the float32
 * weights it holds a few megabytes.
 *
 * @throws InputError for a missing file, one that is damaged, a config that is not implemented, weights
 * that do not fit it
 */
export async function loadModel(path: string): Promise<Model> {
  if (await isFile(path)) return await readGgufModel(path);
  const config = await loadModelConfig(path);
  return { config, weights: await readWeights(config, await readSafetensorsFolder(path), path) };
}

/**
 * Reads the shape of a model and the tokens that end a reply, and none of its weights.
 *
 * @throws InputError for a missing file, one that is damaged, a config that is not implemented
 */
export async function loadModelConfig(path: string): Promise<ModelConfig> {
  if (await isFile(path)) return readGgufConfig(await readGgufHeader(path)).config;
  const configPath = `${path}/config.json`;
  const config = parseModelConfig(await readJson(configPath), configPath);
  const generation = `${path}/generation_config.json`;
  if (!await isFile(generation)) return config;
  return withGenerationConfig(config, await readJson(generation), generation);
}

/**
 * A model with random weights as transformers begins one: matrices from
 * N(0, initializer_range²), biases zero, norms so that they only normalise. Each weight has its own random stream, so adding a
 * layer does not change the layers before it.
 */
export function initializeModel(config: ModelConfig, seed: number): Model {
  const weights: Weights = new Map();
  for (const { name, dims, initially } of parametersOf(config)) {
    const data = new Float32Array(elementCount(dims));
    if (initially !== "normal") data.fill(initially);
    else {
      const random = Random.seeded(seed, "initialize", name);
      for (let i = 0; i < data.length; i++) data[i] = config.initializerRange * random.normal();
    }
    weights.set(name, float32(dims, data));
  }
  return { config, weights };
}

/** How a model's folder is written. */
export interface SaveOptions {
  /** The type that weights are stored in; float32 unless told. */
  readonly dtype?: StorageDtype;
  /** Most bytes of weights in one file; all are in one unless told. */
  readonly maxShardBytes?: number;
}

/**
 * Writes a Hugging Face folder that `loadModel` and transformers read; equal models, equal bytes. Its
 * tokenizer is written by `saveTokenizerFiles`.
 *
 * @throws InputError with every weight that is out of the type's range
 */
export async function saveModel(
  { config, weights }: Model,
  folder: string,
  { dtype = "float32", maxShardBytes = Infinity }: SaveOptions = {},
): Promise<void> {
  requireInRange(weights, dtype);
  await Deno.mkdir(folder, { recursive: true });
  await writeJson(`${folder}/config.json`, formatModelConfig(config, dtype));
  await writeJson(`${folder}/generation_config.json`, formatGenerationConfig(config));
  await writeSafetensorsFolder(folder, weights, { dtype, maxShardBytes });
}
