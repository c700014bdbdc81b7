import { type Problem, refuseProblems } from "../../core/problem.ts";
import { type Dtype, elementCount, newArray, type Tensor } from "../../core/tensor.ts";
import type { ModelConfig } from "./config.ts";
import { HEAD, parametersOf } from "./parameters.ts";
import { readStoredTensor, type StoredTensor } from "./stored_tensor.ts";

/** Weights by Hugging Face's names, float32. */
export type Weights = Map<string, Tensor<"float32">>;

/** Zeros of the shapes given, by name. */
export function zerosLike<D extends Dtype>(
  shapes: Iterable<readonly [name: string, shape: { readonly dims: readonly number[] }]>,
  dtype: D,
): Map<string, Tensor<D>> {
  const zeros = (dims: readonly number[]): Tensor<D> => ({
    dtype,
    dims,
    data: newArray(dtype, elementCount(dims)),
  });
  return new Map(Array.from(shapes, ([name, { dims }]) => [name, zeros(dims)]));
}

/**
 * Reads what the config asks for, in its order, one weight after another.
 *
 * @param found what the model's files hold, by Hugging Face's names
 * @param path names the model in messages
 * @throws InputError as `checkWeights`, before any is read
 */
export async function readWeights(
  config: ModelConfig,
  found: ReadonlyMap<string, StoredTensor>,
  path: string,
): Promise<Weights> {
  checkWeights(config, found, path);
  const weights: Weights = new Map();
  for (const { name } of parametersOf(config)) {
    weights.set(name, await readStoredTensor(found.get(name)!));
  }
  return weights;
}

/**
 * Holds what a model's files say that they have to its config; reads no weight.
 *
 * @throws InputError with up to 20 weights that are missing, misshapen or not explained by the config,
 * and how many more there are
 */
export function checkWeights(
  config: ModelConfig,
  found: ReadonlyMap<string, StoredTensor>,
  path: string,
): void {
  const problems: Problem[] = [];
  const parameters = parametersOf(config);
  for (const { name, dims } of parameters) {
    const tensor = found.get(name);
    if (tensor?.dims.join() === dims.join()) continue;
    const message = tensor === undefined
      ? "The weight is missing."
      : `Expected shape [${dims.join(", ")}] but found [${tensor.dims.join(", ")}].`;
    problems.push({ path: `${path}: ${name}`, message });
  }
  const known = new Set(parameters.map(({ name }) => name));
  for (const name of found.keys()) {
    if (known.has(name) || isRedundant(name, config)) continue;
    const message = `The weight is not part of a ${config.family} model of this config.`;
    problems.push({ path: `${path}: ${name}`, message });
  }
  refuseProblems(problems);
}

/** Old exporters store the rotary frequencies, and the tied head a second time. */
function isRedundant(name: string, config: ModelConfig): boolean {
  return name.endsWith("rotary_emb.inv_freq") || (name === HEAD && config.tiedEmbeddings);
}
