import { int64, type Tensor } from "../core/tensor.ts";
import type { RotaryAngles } from "./models/rotary_angles.ts";

/** A prompt and the reply whose log-probs are asked for, as token ids. */
export interface Sequence {
  readonly prompt: Int32Array;
  readonly reply: Int32Array;
}

/** Sequences as the tensors that a model's graph is fed; S sequences, T time, M reply tokens. */
export interface SequenceBatch {
  /** (S, T), right-padded with 0. */
  readonly ids: Tensor<"int64">;
  /** (T, C/2) */
  readonly cos: Tensor<"float32">;
  /** (T, C/2) */
  readonly sin: Tensor<"float32">;
  /** Rows of the flattened (S·T) that predict a reply token, (M). */
  readonly positions: Tensor<"int64">;
  /** The reply token that each of them predicts, (M). */
  readonly targets: Tensor<"int64">;
  /** The sequence that each of them belongs to, (M). */
  readonly segments: Tensor<"int64">;
}

/**
 * Lays sequences out as one batch.
 *
 * @throws RangeError when there is no sequence, or one whose prompt or reply is empty
 */
export function batchSequences(
  sequences: readonly Sequence[],
  angles: RotaryAngles,
): SequenceBatch {
  if (sequences.length === 0) throw new RangeError("Expected at least one sequence.");
  let length = 0;
  let replyTokens = 0;
  sequences.forEach(({ prompt, reply }, i) => {
    if (prompt.length === 0 || reply.length === 0) {
      throw new RangeError(
        `Expected sequence ${i} to have a prompt and a reply but found ${prompt.length} and ${reply.length} tokens.`,
      );
    }
    // The last token predicts nothing that is asked for: it is a target only.
    length = Math.max(length, prompt.length + reply.length - 1);
    replyTokens += reply.length;
  });
  const ids = new Int32Array(sequences.length * length);
  const positions = new Int32Array(replyTokens);
  const targets = new Int32Array(replyTokens);
  const segments = new Int32Array(replyTokens);
  let m = 0;
  sequences.forEach(({ prompt, reply }, s) => {
    ids.set(prompt, s * length);
    ids.set(reply.subarray(0, -1), s * length + prompt.length);
    targets.set(reply, m);
    segments.fill(s, m, m + reply.length);
    for (let j = 0; j < reply.length; j++) positions[m++] = s * length + prompt.length - 1 + j;
  });
  const { cos, sin } = angles.table(0, length);
  return {
    ids: int64([sequences.length, length], ids),
    cos,
    sin,
    positions: int64([replyTokens], positions),
    targets: int64([replyTokens], targets),
    segments: int64([replyTokens], segments),
  };
}
