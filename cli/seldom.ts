import type { Progress } from "../pipeline/stage.ts";

/** Milliseconds between two tellings. */
const PAUSE = 100;

/**
 * Passes progress on ten times a second at most, the last of each unit always.
 *
 * @param now milliseconds, of any beginning
 */
export function seldom(
  tell: (progress: Progress) => void,
  now: () => number,
): (progress: Progress) => void {
  let next = -Infinity;
  return (progress) => {
    const time = now();
    if (time < next && progress.done < progress.total) return;
    next = time + PAUSE;
    tell(progress);
  };
}
