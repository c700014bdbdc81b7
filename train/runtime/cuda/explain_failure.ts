import { ExpectedError } from "../../../core/problem.ts";
import { OutOfDeviceMemory } from "./cudart.ts";

/** How ONNX Runtime and CUDA say that a GPU has no room. */
const NO_ROOM =
  /Failed to allocate memory|out of memory|CUDA failure 2:|CUBLAS_STATUS_ALLOC_FAILED/i;

/** What a person can change when a GPU is too small, by what it does. */
const KNOBS = {
  trains:
    "Fewer pairs a run (microBatchPairs), gradientCheckpointing, or bfloat16 or float16 instead of " +
    "float32 (precision) need less memory for activations, precision also for weights under an adapter, " +
    "a smaller vocabularyChunk for logits, attentionBlock or, in 16 bits, fusedAttention for long " +
    "sequences, offloadMoments or moments in bfloat16 for moments, lora for weights' gradients and moments.",
  reads:
    "In bfloat16 or float16 (precision) weights and what is computed take half of what they take " +
    "in float32; with fusedAttention no scores are kept of long sequences then.",
} as const;

/**
 * What a run throws, in words that say what helps where it is that a GPU has no room.
 *
 * @param trains whether weights are trained; else they are only read
 * @throws ExpectedError for a lack of memory; else what the function throws
 */
export function explainFailure<T>(run: () => T, { trains = false }: { trains?: boolean }): T {
  try {
    return run();
  } catch (error) {
    throw explained(error, KNOBS[trains ? "trains" : "reads"]);
  }
}

function explained(error: unknown, knobs: string): unknown {
  if (!(error instanceof Error)) return error;
  if (!(error instanceof OutOfDeviceMemory) && !NO_ROOM.test(error.message)) return error;
  return new ExpectedError(`The GPU's memory is not enough. ${knobs} (${error.message})`);
}
