import type { Progress } from "../stage.ts";

/** One stage while it runs. */
export interface RunningStage {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly started: number;
  /** The first progress seen, from which the rate is measured (a resumed stage starts midway). */
  readonly first: { readonly time: number; readonly done: number } | null;
  readonly last: { readonly time: number; readonly progress: Progress } | null;
}

/** Units a second of a running stage since its first progress; `null` before there are two. */
export function rateOf({ first, last }: RunningStage): number | null {
  if (first === null || last === null || last.time <= first.time) return null;
  const rate = (last.progress.done - first.done) / ((last.time - first.time) / 1000);
  return rate > 0 ? rate : null;
}

/** Seconds until a running stage is done at its rate; `null` when that is not known. */
export function stageSecondsLeft(stage: RunningStage, now: number): number | null {
  const rate = rateOf(stage);
  if (rate === null || stage.last === null) return null;
  const { progress, time } = stage.last;
  return Math.max(0, (progress.total - progress.done) / rate - (now - time) / 1000);
}

/** Share of a running stage that is done, 0 to 1. */
export function shareDone({ last }: RunningStage): number {
  if (last === null || !(last.progress.total > 0)) return 0;
  return Math.min(1, Math.max(0, last.progress.done / last.progress.total));
}

/**
 * Seconds until a run is done. At first the plan's estimate counts; as stages finish, what they took
 * so far counts more and more, since a machine may be faster or slower than the past one. It is never
 * less than what a stage under way is seen to need.
 *
 * @param run `share`: stages done of all that are to run, 0 to 1; `running`: what `stageSecondsLeft` says
 * of each that runs; times in seconds
 */
export function runSecondsLeft(
  run: {
    share: number;
    elapsed: number;
    estimate: number | null;
    running: readonly (number | null)[];
  },
): number | null {
  const foreseen = foreseenSeconds(run);
  if (foreseen === null) return null;
  return Math.max(foreseen, ...run.running.filter((left) => left !== null));
}

function foreseenSeconds(
  { share, elapsed, estimate }: { share: number; elapsed: number; estimate: number | null },
): number | null {
  const extrapolated = share > 0 ? elapsed * (1 - share) / share : null;
  const planned = estimate === null ? null : Math.max(0, estimate - elapsed);
  if (extrapolated === null) return planned;
  if (planned === null) return share < 0.05 ? null : extrapolated;
  return (1 - share) * planned + share * extrapolated;
}
