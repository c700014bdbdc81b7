import { digestJson } from "../../core/digest.ts";
import type { JudgeMessage } from "./template.ts";

/** How a judge answers; all of it is sent, so all of it is part of the request. */
export interface Sampling {
  readonly temperature: number;
  /** Most tokens of an answer. */
  readonly maxTokens: number;
  /** What the endpoint calls that: newer models refuse `max_tokens`. */
  readonly maxTokensField: "max_tokens" | "max_completion_tokens";
  /** Alternatives to ask for beside each token, with log-probs; null for none. */
  readonly topLogprobs: number | null;
}

/** The body of a request to `/chat/completions`. */
export interface RequestBody {
  readonly model: string;
  readonly messages: readonly JudgeMessage[];
  readonly temperature: number;
  readonly max_tokens?: number;
  readonly max_completion_tokens?: number;
  readonly logprobs?: true;
  readonly top_logprobs?: number;
  readonly seed?: number;
}

/** One question to a judge. */
export interface JudgeRequest {
  readonly body: RequestBody;
  /** Whether the two answers stand in the other order; equal answers are asked about in both, too. */
  readonly swapped: boolean;
  /** SHA-256 of body and order: what the answer is kept under. */
  readonly digest: string;
  /** For messages, such as `81, turn 2, swapped`; not part of the request. */
  readonly label: string;
}

/** Puts a request together. */
export function makeRequest(
  { model, messages, sampling, seed, swapped, label }: {
    readonly model: string;
    readonly messages: readonly JudgeMessage[];
    readonly sampling: Sampling;
    /** Sent along; null where the endpoint knows none. */
    readonly seed: number | null;
    readonly swapped: boolean;
    readonly label: string;
  },
): JudgeRequest {
  const { temperature, maxTokens, maxTokensField, topLogprobs } = sampling;
  const body: RequestBody = {
    model,
    messages,
    temperature,
    [maxTokensField]: maxTokens,
    ...(topLogprobs === null ? {} : { logprobs: true, top_logprobs: topLogprobs }),
    ...(seed === null ? {} : { seed }),
  };
  return { body, swapped, label, digest: requestDigest(body, swapped) };
}

/** SHA-256 of what decides an answer. */
export function requestDigest(body: RequestBody, swapped: boolean): string {
  return digestJson({ format: 1, body, swapped });
}
