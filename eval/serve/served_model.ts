import type { ModelConfig } from "../../train/models/config.ts";
import type { SequenceReader } from "../../train/models/sequence_reader.ts";
import type { ReplyingModel } from "../reply_to_prompts.ts";

/** A model that answers requests. */
export interface ServedModel extends ReplyingModel {
  readonly config: ReplyingModel["config"] & Pick<ModelConfig, "vocabSize">;
  /** Says what follows each token of a prompt. */
  readonly reader: SequenceReader;
  /** What clients call it. */
  readonly name: string;
  /** Most new tokens of an answer; as many as the model has positions for where null. */
  readonly maxTokens: number | null;
}

/** Tokens that a prompt and its answer may have together. */
export function positionsOf(
  { config: { maxPositions, slidingWindow } }: Pick<ServedModel, "config">,
): number {
  return Math.min(maxPositions, slidingWindow ?? Infinity);
}
