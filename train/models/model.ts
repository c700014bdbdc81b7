import { InputError, type Problem } from "../../core/problem.ts";
import type { Json } from "../../core/json.ts";
import { elementCount, float32, type Tensor } from "../../core/tensor.ts";
import { Random } from "../../core/random.ts";
import { type ModelConfig, parseModelConfig } from "./config.ts";
import { formatGenerationConfig, formatModelConfig } from "./config_format.ts";
import { isFile, readJson, requireFile, writeJson } from "./folder_files.ts";
import { HEAD, parametersOf } from "./parameters.ts";
import { readSafetensors, writeSafetensors } from "./safetensors.ts";

/** Weights by Hugging Face's names, float32. */
export type Weights = Map<string, Tensor<"float32">>;

/** A language model: its shape and its weights. */
export interface Model {
  readonly config: ModelConfig;
  readonly weights: Weights;
}

/** Files of a tokenizer that travel with a model. */
const TOKENIZER_FILES = [
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "chat_template.jinja",
] as const;

/**
 * Reads a Hugging Face folder: `config.json` and `model.safetensors`, or the shards that
 * `model.safetensors.index.json` names.
 *
 * @throws InputError for a missing file, a config that is not implemented, weights that do not fit it
 */
export async function loadModel(folder: string): Promise<Model> {
  const config = parseModelConfig(
    await readJson(`${folder}/config.json`),
    `${folder}/config.json`,
  );
  return { config, weights: checkWeights(config, await readWeights(folder), folder) };
}

async function readWeights(folder: string): Promise<Weights> {
  const shards = await shardNames(folder);
  const weights: Weights = new Map();
  for (const shard of shards) {
    const path = `${folder}/${shard}`;
    await requireFile(path);
    for (const [name, tensor] of (await readSafetensors(path)).tensors) weights.set(name, tensor);
  }
  return weights;
}

async function shardNames(folder: string): Promise<string[]> {
  const indexPath = `${folder}/model.safetensors.index.json`;
  if (await isFile(`${folder}/model.safetensors`) || !await isFile(indexPath)) {
    return ["model.safetensors"];
  }
  const index = await readJson(indexPath) as { weight_map?: Record<string, Json> } | null;
  const shards = [...new Set(Object.values(index?.weight_map ?? {}))];
  // A shard is a file beside its index: a path that leaves the folder is an attack or a mistake.
  const isName = (shard: Json): shard is string =>
    typeof shard === "string" && !/[/\\]/.test(shard) && shard.endsWith(".safetensors");
  if (shards.length > 0 && shards.every(isName)) return shards.sort();
  const message = `Expected weight_map to name *.safetensors files but found ${
    JSON.stringify(shards.filter((shard) => !isName(shard)))
  }.`;
  throw new InputError([{ path: indexPath, message }]);
}

/** Keeps what the config asks for, in its order; leftovers that it does not explain are refused. */
function checkWeights(config: ModelConfig, found: Weights, path: string): Weights {
  const problems: Problem[] = [];
  const weights: Weights = new Map();
  for (const { name, dims } of parametersOf(config)) {
    const tensor = found.get(name);
    if (tensor === undefined) {
      problems.push({ path: `${path}: ${name}`, message: "The weight is missing." });
    } else if (tensor.dims.join() !== dims.join()) {
      const message = `Expected shape [${dims.join(", ")}] but found [${tensor.dims.join(", ")}].`;
      problems.push({ path: `${path}: ${name}`, message });
    } else weights.set(name, tensor);
  }
  for (const name of found.keys()) {
    if (weights.has(name) || isRedundant(name, config)) continue;
    if (problems.some((problem) => problem.path.endsWith(`: ${name}`))) continue;
    const message = `The weight is not part of a ${config.family} model of this config.`;
    problems.push({ path: `${path}: ${name}`, message });
  }
  if (problems.length > 0) throw new InputError(problems);
  return weights;
}

/** Old exporters store the rotary frequencies, and the tied head a second time. */
function isRedundant(name: string, config: ModelConfig): boolean {
  return name.endsWith("rotary_emb.inv_freq") || (name === HEAD && config.tiedEmbeddings);
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

/** What goes into a model's folder beside config and weights. */
export interface SaveOptions {
  /** Folder whose tokenizer files are copied along. */
  readonly tokenizerFrom?: string;
}

/** Writes a Hugging Face folder that `loadModel` and transformers read; equal models, equal bytes. */
export async function saveModel(
  model: Model,
  folder: string,
  options: SaveOptions = {},
): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  await writeJson(`${folder}/config.json`, formatModelConfig(model.config));
  await writeJson(`${folder}/generation_config.json`, formatGenerationConfig(model.config));
  await writeSafetensors(`${folder}/model.safetensors`, model.weights);
  if (options.tokenizerFrom === undefined) return;
  for (const name of TOKENIZER_FILES) {
    const source = `${options.tokenizerFrom}/${name}`;
    // Written, not copied: a copy would carry the source's read-only mode along.
    if (await isFile(source)) {
      await Deno.writeFile(`${folder}/${name}`, await Deno.readFile(source));
    }
  }
}
