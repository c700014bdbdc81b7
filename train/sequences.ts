import { float32, int64, type Tensor } from "../core/tensor.ts";
import type { RotaryAngles } from "./models/rotary_angles.ts";

/** A prompt and the reply whose log-probs are asked for, as token ids. */
export interface Sequence {
  readonly prompt: Int32Array;
  readonly reply: Int32Array;
}

/** Sequences as a model's graph is fed them: S sequences of at most T tokens, N tokens, M of replies. */
export interface SequenceBatch {
  /** All tokens that are read, one sequence after the other, (N). */
  readonly ids: Tensor<"int64">;
  /** The place of each of them in the flattened grid (S·T), (N). */
  readonly places: Tensor<"int64">;
  /** Zeros (S, T). */
  readonly grid: Tensor<"float32">;
  /** (T, C/2) */
  readonly cos: Tensor<"float32">;
  /** (T, C/2) */
  readonly sin: Tensor<"float32">;
  /** Which of the N tokens predict a reply token, (M). */
  readonly positions: Tensor<"int64">;
  /** The reply token that each of them predicts, (M). */
  readonly targets: Tensor<"int64">;
  /** The sequence that each of them belongs to, (M). */
  readonly segments: Tensor<"int64">;
}

/**
 * Lays sequences out as one batch. A reply's last token is only predicted, never read.
 *
 * @throws RangeError when there is no sequence, or one whose prompt or reply is empty
 */
export function batchSequences(
  sequences: readonly Sequence[],
  angles: RotaryAngles,
): SequenceBatch {
  const { length, tokens, replyTokens } = sizesOf(sequences);
  const ids = new Int32Array(tokens);
  const places = new Int32Array(tokens);
  const positions = new Int32Array(replyTokens);
  const targets = new Int32Array(replyTokens);
  const segments = new Int32Array(replyTokens);
  let n = 0;
  let m = 0;
  sequences.forEach(({ prompt, reply }, s) => {
    const count = prompt.length + reply.length - 1;
    ids.set(prompt, n);
    ids.set(reply.subarray(0, -1), n + prompt.length);
    for (let t = 0; t < count; t++) places[n + t] = s * length + t;
    targets.set(reply, m);
    segments.fill(s, m, m + reply.length);
    for (let j = 0; j < reply.length; j++) positions[m++] = n + prompt.length - 1 + j;
    n += count;
  });
  return {
    ids: int64([tokens], ids),
    places: int64([tokens], places),
    grid: float32([sequences.length, length], new Float32Array(sequences.length * length)),
    ...angles.table(0, length),
    positions: int64([replyTokens], positions),
    targets: int64([replyTokens], targets),
    segments: int64([replyTokens], segments),
  };
}

/** T, N and M. */
function sizesOf(sequences: readonly Sequence[]) {
  if (sequences.length === 0) throw new RangeError("Expected at least one sequence.");
  let length = 0;
  let tokens = 0;
  let replyTokens = 0;
  sequences.forEach(({ prompt, reply }, i) => {
    if (prompt.length === 0 || reply.length === 0) {
      throw new RangeError(
        `Expected sequence ${i} to have a prompt and a reply but found ${prompt.length} and ${reply.length} tokens.`,
      );
    }
    const count = prompt.length + reply.length - 1;
    length = Math.max(length, count);
    tokens += count;
    replyTokens += reply.length;
  });
  return { length, tokens, replyTokens };
}
