import { digestJson, StreamingDigest } from "../core/digest.ts";
import { GRAD_SCALER } from "./loss_scale.ts";
import { lossIdentity } from "./losses/losses.ts";
import type { Weights } from "./models/model.ts";
import { attentionBlocksOf, type TrainOptions, vocabularyChunkOf } from "./train_options.ts";

/** Rises when a step comes to compute otherwise, or a checkpoint to hold something else. */
const FORMAT = 2;

/**
 * Digest of all that decides a run's bytes: a checkpoint belongs to the run with the same one.
 *
 * @param version of ONNX Runtime, which may change results; both ways to it give equal bytes
 */
export function runDigest(options: TrainOptions, version: string): string {
  const { model, loss, schedule, batchPairs, order, seed, maxGradNorm, adamw, threads } = options;
  const { adapter, microBatchPairs, tokensPerRun, gradientShareSteps, ranks } = options;
  const { precision = "float32", moments = "float32", lossScaling = GRAD_SCALER } = options;
  const { gradientCheckpointing, device = "cpu", tf32 = false } = options;
  const chunk = vocabularyChunkOf(options);
  const blocks = attentionBlocksOf(options);
  return digestJson({
    format: FORMAT,
    onnxruntime: version,
    config: model.config,
    loss: lossIdentity(loss),
    schedule,
    batchPairs,
    // How a batch is divided changes the order of sums.
    microBatchPairs,
    tokensPerRun,
    gradientCheckpointing,
    // So does how logits are divided.
    ...(chunk < model.config.vocabSize ? { vocabularyChunk: chunk } : {}),
    // And how attention is.
    ...(blocks === undefined ? {} : { attentionBlocks: blocks }),
    // Decides what the records hold, though not the weights.
    gradientShareSteps,
    order,
    seed,
    maxGradNorm,
    adamw,
    // The number of threads may change the order of a sum.
    threads,
    // So does the number of processes.
    ...(ranks === undefined ? {} : { ranks: ranks.size }),
    // Another device computes other last bits; which of several like ones does not matter.
    ...(device === "cpu" ? {} : { device: "cuda", tf32 }),
    ...(precision === "float32" ? {} : { precision }),
    ...(moments === "float32" ? {} : { moments }),
    ...(precision === "float16" ? { lossScaling } : {}),
    reference: options.reference,
    weights: weightsDigest(model.weights),
    adapter: adapter && { config: adapter.config, weights: weightsDigest(adapter.weights) },
    pairs: contentDigest(
      options.pairs.flatMap(({ id, prompt, chosen, rejected }) => [
        `${id}:${prompt.length},${chosen.length},${rejected?.length ?? "none"}`,
        prompt,
        chosen,
        rejected ?? "",
      ]),
    ),
  });
}

function weightsDigest(weights: Weights): string {
  return contentDigest([...weights].flatMap(([name, { data }]) => [name, data]));
}

function contentDigest(parts: readonly (string | ArrayBufferView)[]): string {
  const digest = new StreamingDigest();
  for (const part of parts) {
    const isText = typeof part === "string";
    digest.update(isText ? part : new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
  }
  return digest.hex();
}
