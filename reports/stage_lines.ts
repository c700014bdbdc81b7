import { formatDollars } from "../core/dollars.ts";
import { canonicalJson } from "../core/json.ts";
import { formatCount, formatSeconds } from "./number_format.ts";
import type { StageFacts } from "./run_facts.ts";

/** `3.2 s, 310 MiB`, a judge's with its answers and their price: what making a stage's result took; empty when nothing is known. */
export function stageCost({ seconds, peakMemoryBytes, answers, dollars }: StageFacts): string {
  return [
    ...(seconds === null ? [] : [formatSeconds(seconds)]),
    ...(peakMemoryBytes === null ? [] : [`${formatCount(peakMemoryBytes / 2 ** 20)} MiB`]),
    ...(answers ? [`${formatCount(answers)} answers of the judge`] : []),
    ...(dollars === null ? [] : [formatDollars(dollars)]),
  ].join(", ");
}

/** All that is known of how a stage's result came about, as names and texts, the shortest first. */
export function stageLines(stage: StageFacts): [name: string, value: string][] {
  const { params } = stage;
  const cost = stageCost(stage);
  const seed = typeof params === "object" && params !== null && !Array.isArray(params)
    ? params.seed ?? params.seeds
    : undefined;
  const list = (name: string, values: readonly string[]): [string, string][] =>
    values.length === 0 ? [] : [[name, values.join("\n")]];
  return [
    ["Stage", stage.stage],
    ...(seed === undefined ? [] : [["Seed", canonicalJson(seed)] as [string, string]]),
    ...(cost === "" ? [] : [["Took", cost] as [string, string]]),
    ["Made", `${stage.finishedAt}, ${STATES[stage.state]}`],
    ["Key", stage.key],
    ["Code", stage.code],
    ...list(
      "Gave",
      stage.outputs.map(({ port, type, digest }) => `${named(port, type)} ${digest}`),
    ),
    ...list(
      "Read",
      stage.inputs.map(({ port, instance, digest }) => `${port} of ${instance} ${digest}`),
    ),
    ...list("Files", Object.entries(stage.sources).map(([name, digest]) => `${name} ${digest}`)),
    ...list("Warnings", stage.warnings),
    ["Parameters", canonicalJson(params)],
    ...list("Packages", stage.packages),
    ...list(
      "Also decided by",
      Object.entries(stage.facts).map(([name, fact]) => `${name} ${fact}`),
    ),
    ...list("Made on", Object.entries(stage.host).map(([name, value]) => `${name} ${value}`)),
  ];
}

const STATES: Readonly<Record<StageFacts["state"], string>> = {
  ran: "in this run",
  cached: "in an earlier run",
  kept: "by earlier code, kept by request",
};

function named(port: string, type: string): string {
  return port === type ? type : `${port} (${type})`;
}
