import type { AskOptions, Pace } from "../../../eval/judge/ask_all.ts";
import { OpenAiEndpoint } from "../../../eval/judge/endpoint.ts";
import { KeptAnswers } from "../../../eval/judge/kept_answers.ts";
import { type JudgeRequest, makeRequest } from "../../../eval/judge/request.ts";
import type { FakeJudge } from "./fake_judge.ts";

export const PACE: Pace = {
  concurrency: 4,
  requestsPerMinute: null,
  attempts: 4,
  firstWait: 5,
  failuresInARow: 10,
  spread: 0,
};

/** Options to ask a fake judge (offline where none is given), with what is kept in a folder. */
export function asking(
  folder: string,
  judge: FakeJudge | null,
  { pace, timeout = 10_000, ...options }: Partial<Omit<AskOptions, "pace">> & {
    readonly pace?: Partial<Pace>;
    readonly timeout?: number;
  } = {},
): AskOptions {
  return {
    kept: new KeptAnswers(`${folder}/kept`, `${folder}/tmp`),
    endpoint: judge && new OpenAiEndpoint({
      baseUrl: judge.baseUrl,
      apiKey: "sk-neverToBeSeen",
      timeout,
      now: Date.now,
    }),
    budget: { calls: null, dollars: null },
    prices: null,
    ledger: null,
    signal: new AbortController().signal,
    jitter: () => 0,
    ...options,
    pace: { ...PACE, ...pace },
  };
}

export const SAMPLING = {
  temperature: 0,
  maxTokens: 50,
  maxTokensField: "max_tokens",
  topLogprobs: null,
} as const;

/** Requests that ask `item 0`, `item 1`, … */
export function numbered(count: number): JudgeRequest[] {
  return Array.from({ length: count }, (_, i) =>
    makeRequest({
      model: "judge",
      messages: [{ role: "user", content: `item ${i}` }],
      sampling: SAMPLING,
      seed: null,
      swapped: false,
      label: `item ${i}`,
    }));
}
