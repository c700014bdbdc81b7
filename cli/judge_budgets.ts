import { InputError, type Problem } from "../core/problem.ts";
import type { Instance } from "../pipeline/instance.ts";
import type { RecipeSource } from "../pipeline/recipe.ts";

/** The parameters of stages that ask a judge, as far as money is concerned. */
interface Money {
  readonly prices?: unknown;
  readonly budget?: { readonly dollars?: number };
}

/**
 * Holds a budget in dollars to be one of all judges that are asked, since it is the run's: one without
 * prices would count as nothing, and one without the budget would go on beyond it.
 *
 * @throws InputError with every entry that asks a judge and has no budget in dollars where another has one
 */
export function checkJudgeBudgets(instances: readonly Instance[], source: RecipeSource): void {
  const asking = instances.filter(({ stage, params }) =>
    stage.resources(params).turns?.includes("judge") === true
  );
  const dollarsOf = ({ params }: Instance) => (params as Money).budget?.dollars;
  const limited = asking.find((one) => dollarsOf(one) !== undefined);
  if (limited === undefined) return;
  const entries = new Set(
    asking.filter((one) => dollarsOf(one) === undefined).map(({ entry }) => entry),
  );
  const problems = [...entries].map((entry): Problem => ({
    path: source.locate(["stages", entry]),
    message: `stages.${entry}.params.budget: Expected a budget in dollars, with prices, since ` +
      `${limited.entry} has one (${dollarsOf(limited)}) and it is the run's, but found none.`,
  }));
  if (problems.length > 0) throw new InputError(problems);
}
