import type { StepRecord } from "./step_record.ts";

/** What a step took on this machine: never the same twice, so it is no part of the step's record. */
export interface StepTiming {
  /** Of the whole step, passes that only measure (`gradientShareSteps`, SFT's rejected replies) included. */
  readonly seconds: number;
  readonly pairsPerSecond: number;
  /** As `StepRecord.tokens` counts them. */
  readonly tokensPerSecond: number;
  /** Memory of the process that is resident after the step. */
  readonly residentBytes: number;
}

/** Starts to time a step; the function it gives is called with the step's record at its end. */
export function startTiming(): (record: StepRecord) => StepTiming {
  const begun = performance.now();
  return ({ pairs, tokens }) => {
    const seconds = (performance.now() - begun) / 1000;
    return {
      seconds,
      pairsPerSecond: pairs / seconds,
      tokensPerSecond: tokens / seconds,
      residentBytes: Deno.memoryUsage().rss,
    };
  };
}
