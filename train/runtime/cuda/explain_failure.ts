import { ExpectedError } from "../../../core/problem.ts";
import { OutOfDeviceMemory } from "./cudart.ts";

/** How ONNX Runtime and CUDA say that a GPU has no room. */
const NO_ROOM =
  /Failed to allocate memory|out of memory|CUDA failure 2:|CUBLAS_STATUS_ALLOC_FAILED/i;

/** What a person can change when a GPU is too small. */
const KNOBS =
  "Fewer pairs a run (microBatchPairs) or gradientCheckpointing need less memory for activations, " +
  "a smaller vocabularyChunk for logits, attentionBlock for long sequences, offloadMoments or moments " +
  "in bfloat16 for moments, lora for weights' gradients and moments.";

/**
 * What a run throws, in words that say what helps where it is that a GPU has no room.
 *
 * @throws ExpectedError for a lack of memory; else what the function throws
 */
export function explainFailure<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw explained(error);
  }
}

/** The error in words that say what helps, where it is a lack of a GPU's memory. */
export function explained(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  if (!(error instanceof OutOfDeviceMemory) && !NO_ROOM.test(error.message)) return error;
  return new ExpectedError(`The GPU's memory is not enough. ${KNOBS} (${error.message})`);
}
