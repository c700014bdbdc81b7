import type { Feasibility, Misfit, Need, Params } from "../pipeline/feasibility.ts";
import type { PlannedInstance } from "../pipeline/plan.ts";
import { gpuBytes, hostBytes, type MemoryPart } from "../pipeline/prediction.ts";
import { formatCount, formatEstimate } from "../pipeline/reporters/quantities.ts";
import { estimateWallSeconds } from "../pipeline/schedule.ts";
import { callLines, callText } from "./call_text.ts";
import { GPU_ASSUMPTIONS } from "./machines.ts";

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
    const cost = state === "cached" ? [] : [
      ...(seconds === null ? [] : [`about ${formatEstimate(seconds)}`]),
      ...memoryTexts(memory),
      ...(calls === undefined ? [] : [callText(calls)]),
    ];
    const takes = cost.length === 0 ? "" : `  [${cost.join(", ")}]`;
    return `${state.padEnd(8)}${instance.id.padEnd(width)}${reason}${more}${takes}`.trimEnd();
  });
}

/** What a stage takes of the host's memory, and of GPUs'. */
function memoryTexts(memory: readonly MemoryPart[] | undefined): string[] {
  const [host, gpu] = [hostBytes(memory), gpuBytes(memory)];
  return [
    ...(host === null ? [] : [gigabytes(host)]),
    ...(gpu === null ? [] : [`${gigabytes(gpu)} of GPUs`]),
  ];
}

function totals(planned: readonly PlannedInstance[], cores: number): string {
  const count = (state: string) => planned.filter((one) => one.state === state).length;
  const seconds = estimateWallSeconds(planned, cores);
  const todo = planned.filter(({ state }) => state !== "cached");
  const unknown = todo.filter(({ forecast }) => forecast.seconds === null);
  const time = seconds !== null
    ? seconds === 0 ? "" : `; about ${formatEstimate(seconds)} to run here`
    : `; how long ${formatCount(unknown.length, "stage")} will take is not known`;
  const most = Math.max(0, ...todo.map(({ forecast }) => hostBytes(forecast.memory) ?? 0));
  const onGpus = Math.max(0, ...todo.map(({ forecast }) => gpuBytes(forecast.memory) ?? 0));
  const gpus = onGpus === 0 ? "" : `, and ${gigabytes(onGpus)} of GPUs`;
  const memory = most === 0 ? "" : `, at most ${gigabytes(most)}${gpus} for one stage`;
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
  const lines = machines.flatMap((feasibility) => {
    const { machine, misfits, elsewhere } = feasibility;
    const where = machine.gpus === undefined
      ? "on a GPU, of which nothing is known here"
      : "on the processor";
    const more = elsewhere.length === 0 ? [] : [`    ${where}: ${elsewhere.join(", ")}`];
    return [
      `  ${machine.name}, ${gigabytes(machine.memoryBytes)}${machine.gpus! > 1 ? " each" : ""}: ${
        [ableText(feasibility), timeText(feasibility)].filter((text) => text !== "").join("; ")
      }`,
      ...misfitLines(misfits, machine.memoryBytes).map((line) => `    ${line}`),
      ...more,
    ];
  });
  return ["", "Where it can run", ...lines, ...GPU_ASSUMPTIONS.map((text) => `  ${text}`)];
}

function ableText({ needs, misfits }: Feasibility): string {
  const names = new Set(misfits.map(({ id }) => id));
  const fit = needs.filter(({ id }) => !names.has(id));
  const most = fit.reduce<Need | null>(
    (most, need) => most === null || need.neededBytes > most.neededBytes ? need : most,
    null,
  );
  const room = most === null ? "" : `at most ${gigabytes(most.neededBytes)} (${most.id})`;
  if (misfits.length === 0) {
    return `has the memory for every stage${room === "" ? "" : `, ${room}`}`;
  }
  return `cannot run ${formatCount(misfits.length, "stage")}${
    room === "" ? "" : `; the others take ${room}`
  }`;
}

function timeText({ seconds, exchangeSeconds }: Feasibility): string {
  const times = seconds.filter(({ seconds }) => seconds > 0)
    .map(({ name, seconds }) => `${formatEstimate(seconds)} in ${name}`);
  if (times.length === 0) return "";
  const exchange = exchangeSeconds === 0
    ? ""
    : ` (of that ${formatEstimate(exchangeSeconds)} between processes)`;
  return `all would compute for ${times.join(", ")}${exchange}`;
}

/** Why stages cannot run, those that need the same together. */
function misfitLines(misfits: readonly Misfit[], memoryBytes: number): string[] {
  const alike = Map.groupBy(misfits, (misfit) => reasonOf(misfit, memoryBytes));
  return [...alike].map(([reason, those]) => {
    const verb = those.length === 1 ? "needs" : "need";
    return `${those.map(({ id }) => id).join(", ")} ${verb} ${reason}`;
  });
}

/** Why a stage cannot run: what it needs, of what, in which parts, and what would have to change. */
export function misfitText(misfit: Misfit, memoryBytes: number): string {
  return `${misfit.id} needs ${reasonOf(misfit, memoryBytes)}`;
}

function reasonOf({ neededBytes, parts, change }: Misfit, memoryBytes: number): string {
  const listed = parts.map(({ what, bytes }) => `${what} ${gigabytes(bytes)}`).join(", ");
  const needed = `${gigabytes(neededBytes)} of ${gigabytes(memoryBytes)}: ${listed}`;
  if (change === null) return needed;
  return `${needed}; ${gigabytes(change.neededBytes)} with ${paramsText(change.params)}`;
}

function paramsText(params: Params): string {
  const texts = Object.entries(params).map(([name, value]) =>
    `${name}: ${typeof value === "object" ? JSON.stringify(value) : value}`
  );
  return new Intl.ListFormat("en", { type: "conjunction" }).format(texts);
}
