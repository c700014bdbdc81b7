import type { Problem } from "../core/problem.ts";
import type { Recipe, RecipeSource } from "../pipeline/recipe.ts";
import type { Stage } from "../pipeline/stage.ts";
import { neededBy, type Sweep, type SweptParameters, withSweeps } from "../pipeline/sweep.ts";

/** The entries that are added: the table of the points, and the report that shows it. */
export const SWEEP_ENTRY = "sweep";
export const SWEEP_REPORT = "sweep-report";

/**
 * A recipe with swept parameters, and the curve along them: of the entry that brings systems together there is
 * one instance a point, a stage takes the main metric from each, and a report shows it as table and figure.
 * What the curve does not need is left out, the recipe's own report too. A sweep of the command line has a
 * recipe's name of its own, so that the reports and the history of the recipe itself stay.
 *
 * @returns the recipe as it is when nothing is swept; what is wrong is among its problems
 */
export function withCurve(
  source: RecipeSource,
  parameters: SweptParameters,
  stages: ReadonlyMap<string, Stage>,
): { readonly source: RecipeSource; readonly sweeps: readonly Sweep[] } {
  const { source: swept, sweeps, followers } = withSweeps(source, parameters);
  if (sweeps.length === 0) return { source: swept, sweeps };
  const { recipe } = swept;
  const gives = (entry: string) =>
    Object.values(stages.get(recipe.stages[entry].uses ?? entry)?.outputs ?? {})
      .some(({ type }) => type === "results");
  const [collector, ...more] = [...followers].filter(gives);
  const problems = [
    ...collectorProblems(sweeps, collector, more),
    ...[SWEEP_ENTRY, SWEEP_REPORT].filter((entry) => Object.hasOwn(recipe.stages, entry)).map(
      (entry) => ({
        path: source.locate(["stages", entry]),
        message: `A recipe that is swept gets a stage ${entry} of its own; expected another name.`,
      }),
    ),
  ];
  if (problems.length > 0) {
    return { source: { ...swept, problems: [...swept.problems, ...problems] }, sweeps };
  }
  const kept = neededBy(collector, recipe);
  const own = Object.entries(recipe.stages).filter(([entry]) => kept.has(entry));
  const name = Object.keys(parameters).length === 0
    ? recipe.recipe
    : `${recipe.recipe}-by-${sweeps.map(({ axis }) => axis.toLowerCase()).join("-")}`
      .replace(/[^a-z0-9-]+/g, "-");
  return {
    sweeps,
    source: {
      ...swept,
      overrides: swept.overrides.filter(({ path }) =>
        path[0] === "matrix" || kept.has(`${path[0]}`)
      ),
      recipe: {
        ...recipe,
        recipe: name,
        stages: { ...Object.fromEntries(own), ...curveEntries(collector, sweeps, recipe) },
      },
    },
  };
}

function collectorProblems(
  sweeps: readonly Sweep[],
  collector: string | undefined,
  more: readonly string[],
): Problem[] {
  const path = `--sweep ${sweeps.map(({ parameter }) => parameter).join(", ")}`;
  if (collector === undefined) {
    return [{ path, message: "No stage that compares systems reads from what is swept." }];
  }
  if (more.length === 0) return [];
  const found = [collector, ...more].join(", ");
  return [{ path, message: `Expected one stage that compares systems but found ${found}.` }];
}

function curveEntries(
  collector: string,
  sweeps: readonly Sweep[],
  { recipe, sweep }: Recipe,
): Recipe["stages"] {
  const { metric, systems } = sweep ?? {};
  const swept = sweeps.map(({ parameter }) => parameter).join(" and ");
  return {
    [SWEEP_ENTRY]: {
      inputs: { results: collector },
      params: {
        parameters: sweeps.map(({ axis, parameter }) => ({ axis, parameter })),
        ...(metric !== undefined && { metric }),
        ...(systems !== undefined && { systems }),
      },
    },
    [SWEEP_REPORT]: {
      uses: "report",
      inputs: { scores: SWEEP_ENTRY },
      params: {
        title: `${recipe} along ${swept}`,
        notes: [
          `Each point is the recipe ${recipe} with other values of ${swept}; what these do not ` +
          "reach is the same at every point, and was computed once.",
        ],
        figures: [{ kind: "along" }],
      },
    },
  };
}
