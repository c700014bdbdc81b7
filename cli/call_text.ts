import { formatDollars } from "../core/dollars.ts";
import type { PlannedInstance } from "../pipeline/plan.ts";
import { type Calls, totalCalls } from "../pipeline/prediction.ts";
import { formatCount } from "../pipeline/reporters/quantities.ts";

/** What a stage asks of a judge: `about 160 calls, at most about $1.20`. */
export function callText({ count, isAtMost, dollars }: Calls): string {
  if (count === null) return "calls not known yet";
  const calls = `${isAtMost ? "at most" : "about"} ${formatCount(count, "call")}`;
  return `${calls}, ${
    dollars === null ? "price not known" : `at most about ${formatDollars(dollars)}`
  }`;
}

/** The calls of what is not cached, one stage each. */
export function callsToMake(planned: readonly PlannedInstance[]): Calls[] {
  return planned.flatMap(({ state, forecast: { calls } }) =>
    state === "cached" || calls === undefined ? [] : [calls]
  );
}

/** What a plan asks of judges, all together, as a line; none when it asks nothing. */
export function callLines(planned: readonly PlannedInstance[]): string[] {
  const parts = callsToMake(planned);
  const total = totalCalls(parts);
  if (total === null) return [];
  const known = parts.filter(({ count }) => count !== null);
  const priced = known.filter(({ dollars }) => dollars !== null);
  const { count, isAtMost = false } = totalCalls(known) ?? { count: 0 };
  const { dollars } = totalCalls(priced) ?? { dollars: 0 };
  const unknown = parts.length - known.length;
  const unpriced = known.length - priced.length;
  const told = [
    `Judges: ${isAtMost ? "at most" : "about"} ${formatCount(count!, "call")}`,
    ...(priced.length > 0 ? [`at most about ${formatDollars(dollars!)}`] : []),
    ...(unpriced > 0
      ? [`price of ${formatCount(unpriced, "stage")} not known (parameter prices)`]
      : []),
    ...(unknown > 0 ? [`calls of ${formatCount(unknown, "stage")} not known yet`] : []),
  ];
  return ["", `${told.join(", ")}; what is kept is not asked for again`];
}
