import type { Problem } from "../core/problem.ts";
import { topological, upstreamOf } from "./graph.ts";
import type { Instance, OutputRef } from "./instance.ts";
import type { RecipeSource } from "./recipe.ts";
import type { InputPort } from "./stage.ts";

/** A problem, and the instance that has it where not all of its entry have. */
type Clash = Problem & { readonly instance?: string };

/**
 * Every place where a model is reported on the very rows that chose it, such as early stopping on test
 * prompts: an instance that reads rows to choose, and one that follows from it and reports on them.
 */
export function choiceProblems(
  instances: readonly Instance[],
  source: RecipeSource,
): Clash[] {
  const ordered = topological(instances);
  const byId = new Map(ordered.map((instance) => [instance.id, instance]));
  return ordered.flatMap((chooser) => {
    const chosenOn = wiresThat(chooser, "choice");
    if (chosenOn.length === 0) return [];
    const reported = followers(chooser, ordered).flatMap((instance) =>
      wiresThat(instance, "table").map(({ ref }) => ({ instance, row: rowsOf(ref, byId) }))
    );
    return chosenOn.flatMap(({ port, ref }): Clash[] => {
      const rows = rowsOf(ref, byId);
      const clash = reported.find(({ row }) =>
        row.instance === rows.instance && row.port === rows.port
      );
      if (clash === undefined) return [];
      const name = `${byId.get(rows.instance)!.entry}.${rows.port}`;
      return [{
        path: source.locate(["stages", chooser.entry, "inputs", port]),
        instance: chooser.id === chooser.entry ? undefined : chooser.id,
        message:
          `Expected rows that choose a model not to be those that it is reported on, but found ` +
          `${name}, which ${clash.instance.entry} reports on. Choose on validation rows.`,
      }];
    });
  });
}

function wiresThat(
  { stage, inputs }: Instance,
  decides: NonNullable<InputPort["decides"]>,
): { port: string; ref: OutputRef }[] {
  return Object.entries(stage.inputs)
    .filter(([, port]) => port.decides === decides)
    .flatMap(([port]) => inputs[port].map((ref) => ({ port, ref })));
}

/** The output that rows came from, before they took another form. */
function rowsOf(ref: OutputRef, byId: ReadonlyMap<string, Instance>): OutputRef {
  const { stage, inputs } = byId.get(ref.instance)!;
  const { rowsOf: input } = stage.outputs[ref.port];
  return input === undefined ? ref : rowsOf(inputs[input][0], byId);
}

/** All that follows from an instance, itself left out. */
function followers(from: Instance, ordered: readonly Instance[]): Instance[] {
  const reached = new Set([from.id]);
  return ordered.filter((instance) => {
    if (!upstreamOf(instance).some((id) => reached.has(id))) return false;
    reached.add(instance.id);
    return true;
  });
}
