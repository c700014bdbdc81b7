import type { Precision } from "../../train/precision.ts";
import type { Device } from "../../train/runtime/open_runtime.ts";

/** What a system is asked to do; the workers get it as their only argument, as JSON. */
export interface CudaJob {
  /** A name of `SHAPES`. */
  readonly shape: string;
  readonly batchPairs: number;
  /** Tokens of every prompt, and of every reply. */
  readonly promptTokens: number;
  readonly replyTokens: number;
  readonly warmupSteps: number;
  readonly steps: number;
  readonly device: Device;
  readonly precision: Precision;
  readonly tf32: boolean;
  /** Rank of an adapter; `null` for full fine-tuning. */
  readonly lora: number | null;
  readonly gradientCheckpointing: boolean;
  /** Ballast alone: whether attention is computed in one kernel. */
  readonly fusedAttention?: boolean;
  /** Ballast alone: tokens that one run holds at most. */
  readonly tokensPerRun?: number;
  /** Ballast alone: where sessions note what their nodes take. */
  readonly profile?: string;
  /** PyTorch alone. */
  readonly compile: boolean;
}

/** What a worker prints after `RESULT `. */
export interface CudaResult {
  /** Seconds of each measured step. */
  readonly seconds: readonly number[];
  readonly losses: readonly number[];
  /** Seconds from the start of the process to the end of the first step. */
  readonly firstStep: number;
  /** Bytes of the GPU that were in use at the end, arenas included. */
  readonly deviceBytes: number;
  /** PyTorch alone: the most that its tensors held at once. */
  readonly peakAllocated?: number;
  /**
   * Ballast alone: floating-point operations of a step as it computes them, and as they are where
   * prompts are computed for each of their replies.
   */
  readonly operations?: { readonly shared: number; readonly repeated: number };
  /** Ballast alone: bytes that go to the GPU in a step, were it one run. */
  readonly fedBytes?: number;
  /** Ballast alone: what ran on the processor though it should not have. */
  readonly fallbacks?: readonly string[];
}

/** Prompt and reply tokens of a step, with the prompt counted for each of its two replies. */
export function tokensOf({ batchPairs, promptTokens, replyTokens }: CudaJob): number {
  return 2 * batchPairs * (promptTokens + replyTokens);
}
