import { z } from "../core/zod.ts";

const system = z.string().min(1).describe("A system's id in the results");
const systems = z.array(system).min(1);
const metric = z.string().min(1).describe("A metric's name in the results");
const onCurve = z.string().min(1).describe("A quantity along training");
const column = z.string().min(1).describe("A column's id in the table of scores");

const quantity = z.union([
  metric,
  z.strictObject({ winRateOver: system, on: metric.optional() }),
]).describe("A metric, or the win rate over a system on a metric; the main one unless told");

const scoreRows = {
  table: z.string().min(1).optional().describe(
    "A table of scores, as mt-bench/grades or grades; the only one that fits unless told",
  ),
  systems: z.array(z.string().min(1)).min(1).optional().describe(
    "Its rows by id or label; all unless told",
  ),
};

/** A figure of a report, as a recipe asks for it. */
export const figureParams = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("logps"),
    systems: systems.describe("One panel each"),
    chosen: onCurve.default("chosenLogp"),
    rejected: onCurve.default("rejectedLogp"),
  }),
  z.strictObject({
    kind: z.literal("margins"),
    systems,
    margin: onCurve.default("margin"),
    accuracy: onCurve.default("accuracy"),
  }),
  z.strictObject({
    kind: z.literal("training"),
    value: onCurve,
    systems,
    stopped: system.optional().describe("Mark the best point of each seed of this one"),
  }),
  z.strictObject({
    kind: z.literal("over-optimisation"),
    systems,
    x: onCurve.default("kl"),
    y: onCurve.default("winRate"),
  }),
  z.strictObject({
    kind: z.literal("gradient-share"),
    systems: systems.describe("One panel each"),
  }),
  z.strictObject({ kind: z.literal("tradeoff"), x: quantity, y: quantity }),
  z.strictObject({
    kind: z.literal("lengths"),
    sets: z.array(z.string().min(1)).default([]).describe(
      "Sets of pairs as the audits name them, such as train",
    ),
    systems: z.array(system).default([]).describe("Systems whose replies were measured"),
  }).refine(({ sets, systems }) => sets.length + systems.length > 0, {
    path: ["sets"],
    error: "at least one set or system",
  }),
  z.strictObject({
    kind: z.literal("radar"),
    ...scoreRows,
    rim: z.number().positive().default(10).describe("The value at the rim; 0 is in the middle"),
  }),
  z.strictObject({
    kind: z.literal("scatter"),
    ...scoreRows,
    x: column.default("winRate"),
    y: column.default("lengthControlled"),
    xError: column.optional().describe("The column with the standard error of x"),
    yError: column.optional().describe("The column with the standard error of y"),
  }),
  z.strictObject({
    kind: z.literal("along"),
    table: scoreRows.table,
  }),
]);

/** What a figure of a report is drawn from: inputs of the stage. */
export function sourcesOf(
  figure: z.infer<typeof figureParams>,
): readonly ("results" | "scores" | "audits")[] {
  switch (figure.kind) {
    case "radar":
    case "scatter":
    case "along":
      return ["scores"];
    case "lengths":
      return [
        ...(figure.sets.length > 0 ? ["audits" as const] : []),
        ...(figure.systems.length > 0 ? ["results" as const] : []),
      ];
    default:
      return ["results"];
  }
}
