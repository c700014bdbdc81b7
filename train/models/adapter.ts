import { Random } from "../../core/random.ts";
import { InputError, type Problem } from "../../core/problem.ts";
import { elementCount, float32 } from "../../core/tensor.ts";
import {
  type AdapterConfig,
  formatAdapterConfig,
  parseAdapterConfig,
  TARGETS,
} from "./adapter_config.ts";
import type { ModelConfig } from "./config.ts";
import type { Projection } from "./families.ts";
import { requireFile } from "../../core/is_file.ts";
import { readJson, writeJson } from "../../core/json_file.ts";
import type { Model, Weights } from "./model.ts";
import { LAYER, layerPrefix, type ModelShape, parametersOf } from "./parameters.ts";
import { readSafetensors, writeSafetensors } from "./safetensors.ts";
import { requireInRange, type StorageDtype } from "./storage_dtype.ts";

/** A LoRA adapter: its shape and its weights, by PEFT's names. */
export interface Adapter {
  readonly config: AdapterConfig;
  readonly weights: Weights;
}

/** A model, and what is added to its matrices. */
export interface AdaptedModel extends Model {
  readonly adapter?: Adapter;
}

/** One weight of an adapter. */
export interface AdapterParameter {
  readonly name: string;
  /** A is (R, in), B is (out, R). */
  readonly dims: readonly [number, number];
  readonly part: "A" | "B";
}

/** PEFT's names of the two weights that change one matrix. */
export function adapterNames(layer: number, projection: Projection): { a: string; b: string } {
  const module = (layerPrefix(layer) + LAYER[projection]).replace(/\.weight$/, "");
  const name = (part: string) => `base_model.model.${module}.lora_${part}.weight`;
  return { a: name("A"), b: name("B") };
}

/** Every weight of an adapter to a model, in the order of the computation. */
export function adapterParametersOf(
  { rank, targets }: Pick<AdapterConfig, "rank" | "targets">,
  model: ModelShape,
): AdapterParameter[] {
  const dimsOf = new Map(parametersOf(model).map(({ name, dims }) => [name, dims]));
  return Array.from(
    { length: model.layers },
    (_, layer) =>
      targets.flatMap((target): AdapterParameter[] => {
        const [out, width] = dimsOf.get(layerPrefix(layer) + LAYER[TARGETS[target]])!;
        const { a, b } = adapterNames(layer, TARGETS[target]);
        return [
          { name: a, dims: [rank, width], part: "A" },
          { name: b, dims: [out, rank], part: "B" },
        ];
      }),
  ).flat();
}

/**
 * An adapter as PEFT begins one: A from U(−1/√in, 1/√in), B zero, so that the model is at first what
 * it was. Each weight has its own random stream.
 */
export function initializeAdapter(
  config: AdapterConfig,
  { model, seed }: { readonly model: ModelConfig; readonly seed: number },
): Adapter {
  const weights: Weights = new Map();
  for (const { name, dims, part } of adapterParametersOf(config, model)) {
    const data = new Float32Array(elementCount(dims));
    if (part === "A") {
      const bound = 1 / Math.sqrt(dims[1]);
      const random = Random.seeded(seed, "initialize adapter", name);
      for (let i = 0; i < data.length; i++) data[i] = bound * (2 * random.uniform() - 1);
    }
    weights.set(name, float32(dims, data));
  }
  return { config, weights };
}

/** What keeps an adapter from being one of this model. */
export function adapterProblems(
  { config, weights }: Adapter,
  model: ModelConfig,
  path = "adapter",
): Problem[] {
  const problems: Problem[] = [];
  const parameters = adapterParametersOf(config, model);
  for (const { name, dims } of parameters) {
    const found = weights.get(name)?.dims;
    if (found?.join() === dims.join()) continue;
    const message = found === undefined
      ? "The weight is missing."
      : `Expected shape [${dims.join(", ")}] but found [${found.join(", ")}].`;
    problems.push({ path: `${path}: ${name}`, message });
  }
  const known = new Set(parameters.map(({ name }) => name));
  for (const name of weights.keys()) {
    if (known.has(name)) continue;
    const message = `The weight is not part of an adapter of this config to this model.`;
    problems.push({ path: `${path}: ${name}`, message });
  }
  return problems;
}

/**
 * Reads PEFT's folder: `adapter_config.json` and `adapter_model.safetensors`.
 *
 * @throws InputError for a missing file, a config that is not implemented, weights that do not fit it
 * or the model
 */
export async function loadAdapter(folder: string, model: ModelConfig): Promise<Adapter> {
  const configPath = `${folder}/adapter_config.json`;
  const config = parseAdapterConfig(await readJson(configPath), configPath);
  const path = `${folder}/adapter_model.safetensors`;
  await requireFile(path);
  const { tensors } = await readSafetensors(path);
  const problems = adapterProblems({ config, weights: tensors }, model, path);
  if (problems.length > 0) throw new InputError(problems);
  const names = adapterParametersOf(config, model).map(({ name }) => name);
  return { config, weights: new Map(names.map((name) => [name, tensors.get(name)!])) };
}

/** How an adapter's folder is written. */
export interface SaveAdapterOptions {
  /** The type that weights are stored in; float32 unless told. */
  readonly dtype?: StorageDtype;
  /** What PEFT loads as the model that it adapts: a name on the hub, or a path. */
  readonly base?: string;
}

/**
 * Writes a folder that `loadAdapter` and PEFT read; equal adapters, equal bytes.
 *
 * @throws InputError with every weight that is out of the type's range
 */
export async function saveAdapter(
  { config, weights }: Adapter,
  folder: string,
  { dtype = "float32", base }: SaveAdapterOptions = {},
): Promise<void> {
  requireInRange(weights, dtype);
  await Deno.mkdir(folder, { recursive: true });
  await writeJson(`${folder}/adapter_config.json`, formatAdapterConfig(config, base));
  await writeSafetensors(`${folder}/adapter_model.safetensors`, weights, { dtype });
}

/** The model with what an adapter adds written into copies of its matrices: W + (alpha/rank)·B·A. */
export function mergeAdapter({ config, weights }: Model, adapter: Adapter): Model {
  const merged: Weights = new Map(weights);
  for (const { name } of changesOf(config, adapter)) {
    const { dims, data } = weights.get(name)!;
    merged.set(name, float32(dims, data.slice()));
  }
  mergeAdapterInto({ config, weights: merged }, adapter);
  return { config, weights: merged };
}

/** As `mergeAdapter`, into the model's own matrices: no second copy is held, and the model is another. */
export function mergeAdapterInto({ config, weights }: Model, adapter: Adapter): void {
  const { rank, alpha } = adapter.config;
  for (const { name, A, B } of changesOf(config, adapter)) {
    const { dims: [rows, width], data } = weights.get(name)!;
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < width; column++) {
        let product = 0;
        for (let r = 0; r < rank; r++) product += B[row * rank + r] * A[r * width + column];
        data[row * width + column] += alpha / rank * product;
      }
    }
  }
}

/** The matrices that an adapter changes, with A (R, in) and B (out, R) of each. */
function changesOf(config: ModelConfig, { config: { targets }, weights }: Adapter) {
  return Array.from({ length: config.layers }, (_, layer) =>
    targets.map((target) => {
      const { a, b } = adapterNames(layer, TARGETS[target]);
      return {
        name: layerPrefix(layer) + LAYER[TARGETS[target]],
        A: weights.get(a)!.data,
        B: weights.get(b)!.data,
      };
    })).flat();
}
