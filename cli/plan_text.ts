import type { Feasibility, Misfit } from "../pipeline/feasibility.ts";
import type { PlannedInstance } from "../pipeline/plan.ts";
import { totalBytes } from "../pipeline/prediction.ts";
import { formatCount, formatEstimate } from "../pipeline/reporters/quantities.ts";
import { estimateWallSeconds } from "../pipeline/schedule.ts";
import { callLines, callText } from "./call_text.ts";
import { GPU_ASSUMPTION } from "./machines.ts";

/** A plan as lines: instances with their state, reason, time, memory and calls; totals; what it rests on. */
export function planLines(
  planned: readonly PlannedInstance[],
  cores: number,
  machines: readonly Feasibility[],
): string[] {
  const todo = planned.filter(({ state }) => state !== "cached");
  const lines = [...instanceLines(planned), "", totals(planned, cores)];
  if (todo.length === 0) return lines;
  return [...lines, ...groundLines(todo), ...machineLines(machines), ...callLines(todo)];
}

/** Why an instance is not cached, one field of its key. */
export function reasonText({ field, before, after }: PlannedInstance["reasons"][number]): string {
  if (field.startsWith("code ") && before !== null && after !== null) {
    return field.replace("code ", "code: ");
  }
  return before === null && after === null
    ? field
    : `${field} ${before ?? "none"} → ${after ?? "none"}`;
}

/** Bytes in 10⁹, as memory is sold: `115.9 GB`. */
export function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}

function instanceLines(planned: readonly PlannedInstance[]): string[] {
  const width = Math.max(...planned.map(({ instance }) => instance.id.length));
  return planned.map(({ instance, state, reasons, forecast: { seconds, memory, calls } }) => {
    const reason = reasons[0] === undefined ? "" : `  ${reasonText(reasons[0])}`;
    const more = reasons.length > 1 ? ` (and ${reasons.length - 1} more)` : "";
    const bytes = totalBytes(memory);
    const cost = state === "cached" ? [] : [
      ...(seconds === null ? [] : [`about ${formatEstimate(seconds)}`]),
      ...(bytes === null ? [] : [gigabytes(bytes)]),
      ...(calls === undefined ? [] : [callText(calls)]),
    ];
    const takes = cost.length === 0 ? "" : `  [${cost.join(", ")}]`;
    return `${state.padEnd(8)}${instance.id.padEnd(width)}${reason}${more}${takes}`.trimEnd();
  });
}

function totals(planned: readonly PlannedInstance[], cores: number): string {
  const count = (state: string) => planned.filter((one) => one.state === state).length;
  const seconds = estimateWallSeconds(planned, cores);
  const todo = planned.filter(({ state }) => state !== "cached");
  const unknown = todo.filter(({ forecast }) => forecast.seconds === null);
  const time = seconds !== null
    ? seconds === 0 ? "" : `; about ${formatEstimate(seconds)} to run here`
    : `; how long ${formatCount(unknown.length, "stage")} will take is not known`;
  const most = Math.max(0, ...todo.map(({ forecast }) => totalBytes(forecast.memory) ?? 0));
  const memory = most === 0 ? "" : `, at most ${gigabytes(most)} for one stage`;
  return `${count("cached")} cached, ${count("stale")} stale, ${
    count("missing")
  } missing${time}${memory}`;
}

/** What the estimates rest on, measured or assumed, with the entries that do. */
function groundLines(todo: readonly PlannedInstance[]): string[] {
  const grounds = Map.groupBy(
    todo,
    ({ forecast: { basis, assumes = [] } }) => [basis, ...assumes].join("; "),
  );
  const lines = [...grounds].map(([ground, those]) => {
    const entries = new Set(those.map(({ instance }) => instance.entry));
    return `  ${ground}: ${[...entries].join(", ")}`;
  });
  return ["", "Estimates rest on", ...lines];
}

function machineLines(machines: readonly Feasibility[]): string[] {
  const lines = machines.flatMap(({ machine, misfits, seconds }) => {
    const times = seconds.filter(({ seconds }) => seconds > 0)
      .map(({ name, seconds }) => `${formatEstimate(seconds)} in ${name}`);
    const compute = times.length === 0 ? "" : `; would compute for ${times.join(", ")}`;
    const able = misfits.length === 0
      ? "has the memory for every stage"
      : `cannot run ${formatCount(misfits.length, "stage")}`;
    return [
      `  ${machine.name}, ${gigabytes(machine.memoryBytes)}: ${able}${compute}`,
      ...misfits.map((misfit) => `    ${misfitText(misfit, machine.memoryBytes)}`),
    ];
  });
  return ["", "Where it can run", ...lines, `  ${GPU_ASSUMPTION}`];
}

/** Why a stage cannot run: what it needs, of what, and in which parts. */
export function misfitText({ id, neededBytes, parts }: Misfit, memoryBytes: number): string {
  const listed = parts.map(({ what, bytes }) => `${what} ${gigabytes(bytes)}`).join(", ");
  return `${id} needs ${gigabytes(neededBytes)} of ${gigabytes(memoryBytes)}: ${listed}`;
}
