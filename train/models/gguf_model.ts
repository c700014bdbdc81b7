import { readGgufHeader } from "../../core/gguf_file.ts";
import { type Problem, refuseProblems } from "../../core/problem.ts";
import type { Tensor } from "../../core/tensor.ts";
import type { ModelConfig } from "./config.ts";
import { TRAITS } from "./families.ts";
import { readGgufConfig } from "./gguf_config.ts";
import { placeTensors } from "./gguf_tensors.ts";
import type { Model } from "./model.ts";
import { EMBEDDING, FINAL_NORM, HEAD, LAYER, layerPrefix } from "./parameters.ts";
import type { StoredTensor } from "./stored_tensor.ts";
import { readWeights } from "./weights.ts";

/** Hugging Face's names of llama.cpp's tensors outside the layers. */
const OUTSIDE: Readonly<Record<string, string>> = {
  "token_embd.weight": EMBEDDING,
  "output_norm.weight": FINAL_NORM,
  "output.weight": HEAD,
};

/** Hugging Face's names of a layer's weights, by llama.cpp's names without number and ending. */
const INSIDE: Readonly<Record<string, string>> = {
  attn_norm: LAYER.inputNorm,
  attn_q: LAYER.query,
  attn_k: LAYER.key,
  attn_v: LAYER.value,
  attn_output: LAYER.output,
  ffn_norm: LAYER.mlpNorm,
  ffn_gate: LAYER.gate,
  ffn_up: LAYER.up,
  ffn_down: LAYER.down,
};

/**
 * Reads a model from a GGUF file: quantised weights become float32, the file's own order of rows and
 * offset of norms become Hugging Face's.
 *
 * @throws InputError for a file that is damaged, or that holds what is not implemented
 */
export async function readGgufModel(path: string): Promise<Model> {
  const { config, tensors, restore } = await openGgufModel(path);
  const weights = await readWeights(config, tensors, path);
  for (const [name, tensor] of weights) restore(name, tensor);
  return { config, weights };
}

/** A model in a GGUF file, of which no weight has been read. */
export interface GgufModel {
  readonly config: ModelConfig;
  /** By Hugging Face's names. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Makes what was read of a tensor what Hugging Face has under that name, in place. */
  restore(name: string, tensor: Tensor<"float32">): void;
}

/**
 * Reads where a GGUF file has which weight.
 *
 * @throws InputError for a file that is damaged, or that holds what is not implemented
 */
export async function openGgufModel(path: string): Promise<GgufModel> {
  const header = await readGgufHeader(path);
  const { config, architecture } = readGgufConfig(header);
  return {
    config,
    tensors: byOurNames(placeTensors(header), path),
    restore(name, tensor) {
      if (/norm\.weight$/.test(name)) addToAll(tensor, -TRAITS[config.family].normOffset);
      if (architecture === "llama") restoreRows(name, tensor, config);
    },
  };
}

function byOurNames(
  tensors: ReadonlyMap<string, StoredTensor>,
  path: string,
): Map<string, StoredTensor> {
  const named = new Map<string, StoredTensor>();
  const problems: Problem[] = [];
  for (const [theirs, tensor] of tensors) {
    const name = ourName(theirs);
    if (name !== undefined) named.set(name, tensor);
    else {
      const message = theirs === "rope_freqs.weight"
        ? "Rotary positions of scaled frequencies are not implemented; they would change results."
        : "The tensor is not part of any model that is implemented.";
      problems.push({ path: `${path}: ${theirs}`, message });
    }
  }
  refuseProblems(problems);
  return named;
}

function ourName(theirs: string): string | undefined {
  if (Object.hasOwn(OUTSIDE, theirs)) return OUTSIDE[theirs];
  const [, layer, part, ending] = /^blk\.(0|[1-9]\d*)\.(\w+)\.(weight|bias)$/.exec(theirs) ?? [];
  if (part === undefined || !Object.hasOwn(INSIDE, part)) return undefined;
  return layerPrefix(Number(layer)) + INSIDE[part].replace(/weight$/, ending);
}

/** llama.cpp's files hold what norms multiply by; Hugging Face's gemma holds that less one. */
function addToAll({ data }: Tensor<"float32">, offset: number): void {
  if (offset === 0) return;
  for (let i = 0; i < data.length; i++) data[i] += offset;
}

/**
 * Puts the rows of a llama's query and key matrices back in order, in place. llama.cpp turns features
 * 2j and 2j+1 of a head by one angle, Hugging Face features j and j + C/2, so the former's files hold
 * each head's two halves (i = 0, 1) interleaved: row 2j + i is Hugging Face's row i·C/2 + j.
 */
function restoreRows(name: string, { dims, data }: Tensor<"float32">, config: ModelConfig): void {
  if (!name.endsWith(LAYER.query) && !name.endsWith(LAYER.key)) return;
  const { headDim } = config;
  const width = dims[1];
  const size = headDim * width;
  for (let begin = 0; begin < data.length; begin += size) {
    const head = data.slice(begin, begin + size);
    for (let row = 0; row < headDim; row++) {
      const [j, i] = [row >> 1, row & 1];
      const to = begin + (i * headDim / 2 + j) * width;
      data.set(head.subarray(row * width, (row + 1) * width), to);
    }
  }
}
