import type { Curve, Results } from "../../core/results.ts";
import { InputError, nearest, type Problem } from "../../core/problem.ts";
import { visibleText } from "../../core/visible_text.ts";
import { formatNumber } from "../number_format.ts";

/** One point of a drawn line; `seed` is null on the line of means. */
export interface LinePoint {
  readonly system: string;
  readonly label: string;
  readonly seed: number | null;
  readonly step: number;
  readonly value: number;
}

/** The curves of the named systems, in that order, then by seed. */
export function curvesOf(results: Results, systems: readonly string[]): Curve[] {
  return systems.flatMap((id) => results.curves.filter(({ system }) => system === id));
}

/** Each seed's line of a quantity, and after them, for each system, the mean over its seeds. */
export function linePoints(curves: readonly Curve[], value: string): LinePoint[] {
  const seeds = curves.flatMap(({ system, label, seed, points }) =>
    points.filter(({ values }) => Number.isFinite(values[value])).map(({ step, values }) => ({
      system,
      label: visibleText(label),
      seed,
      step,
      value: values[value],
    }))
  );
  return [...seeds, ...meanPoints(curves, seeds)];
}

/** What the thin and the thick lines are, for a caption. */
export function linesCaption(points: readonly LinePoint[]): string {
  const seeds = new Set(points.flatMap(({ seed }) => seed === null ? [] : [seed]));
  return seeds.size > 1 ? "Thick: mean over seeds; thin: each seed." : "One seed.";
}

/** What the numbers of a system's line of means are, for a description. */
export function averageOf(points: readonly LinePoint[], label: string): string {
  const own = points.filter((point) => point.label === label && point.seed !== null);
  return new Set(own.map(({ seed }) => seed)).size > 1 ? "mean over seeds" : "one seed";
}

/** Each system's line of means in words: where it begins and where it ends. */
export function describeLines(points: readonly LinePoint[], digits: number): string[] {
  const means = points.filter(({ seed }) => seed === null);
  return [...new Set(means.map(({ label }) => label))].map((label) => {
    const line = means.filter((point) => point.label === label);
    const [first, last] = [line[0], line[line.length - 1]];
    return `${label}: from ${formatNumber(first.value, digits)} at step ${first.step} to ` +
      `${formatNumber(last.value, digits)} at step ${last.step} (${averageOf(points, label)}).`;
  });
}

/** What a quantity along training was measured on: the batches where its name says so. */
export function measuredOn(value: string): "validation" | "training" {
  return /^train[A-Z]/.test(value) ? "training" : "validation";
}

/**
 * The mean over seeds at every step that all seeds of a system have, and at the end, which seeds reach
 * after a few steps more or less where they have more or fewer pairs.
 */
function meanPoints(curves: readonly Curve[], points: readonly LinePoint[]): LinePoint[] {
  return [...new Set(curves.map(({ system }) => system))].flatMap((system) => {
    const own = points.filter((point) => point.system === system);
    const seeds = [...Map.groupBy(own, ({ seed }) => seed).values()];
    const ends = seeds.map((line) => line.reduce((end, { step }) => Math.max(end, step), 0));
    const end = Math.max(...ends);
    const aligned = seeds.flatMap((line, i) =>
      line.map((point) => point.step === ends[i] ? { ...point, step: end } : point)
    );
    const byStep = Map.groupBy(aligned, ({ step }) => step);
    return [...byStep].sort(([a], [b]) => a - b).flatMap(([, here]) => {
      if (here.length < seeds.length) return [];
      const value = here.reduce((sum, point) => sum + point.value, 0) / seeds.length;
      return [{ ...here[0], seed: null, value }];
    });
  });
}

/**
 * Checks that the curves hold what a figure asks for.
 *
 * @throws InputError naming each system without a curve and each unknown quantity, with the nearest
 */
export function checkCurves(
  results: Results,
  asked: { figure: string; systems: readonly string[]; values: readonly string[] },
): void {
  const systems = [...new Set(results.curves.map(({ system }) => system))];
  const values = [
    ...new Set(
      results.curves.flatMap(({ points }) => points.flatMap((point) => Object.keys(point.values))),
    ),
  ].sort();
  const problems = [
    ...problemsOf("system", asked.systems, systems),
    ...problemsOf("quantity", asked.values, values),
  ];
  if (problems.length > 0) {
    throw new InputError(problems.map((problem) => ({ ...problem, path: asked.figure })));
  }
}

function problemsOf(
  kind: string,
  asked: readonly string[],
  known: readonly string[],
): Problem[] {
  return asked.filter((name) => !known.includes(name)).map((name) => ({
    path: "",
    message: `No curve holds a ${kind} called "${name}". Known: ${known.join(", ") || "none"}` +
      `${kind === "system" ? "; one stopped early has the curve of the one that ran on" : ""}.`,
    nearest: nearest(name, known),
  }));
}
