import { InputError, nearest } from "../core/problem.ts";

/** What tables call a model that files know under another name. */
export interface NamedModel {
  readonly model: string;
  readonly label: string;
}

/** Models as tables call them and order them. */
export interface ModelNames {
  /** A model's label; its own name where it has none. */
  labelOf(model: string): string;
  /** The named models among some in their order, then the others in the order given. */
  inOrder(models: Iterable<string>): string[];
}

/**
 * Names the models of some files.
 *
 * @param found every model that the files know
 * @throws InputError naming every named model that no file knows, and every one named twice
 */
export function nameModels(named: readonly NamedModel[], found: Iterable<string>): ModelNames {
  const known = new Set(found);
  const problems = named.flatMap(({ model }, i) => {
    const path = `models[${i}].model`;
    if (named.findIndex((other) => other.model === model) < i) {
      return [{ path, message: `Expected each model once but found "${model}" again.` }];
    }
    if (known.has(model)) return [];
    const message = `Expected a model of the files but found "${model}".`;
    return [{ path, message, nearest: nearest(model, known) }];
  });
  if (problems.length > 0) throw new InputError(problems);
  const labels = new Map(named.map(({ model, label }) => [model, label]));
  return {
    labelOf: (model) => labels.get(model) ?? model,
    inOrder: (models) => {
      const given = new Set(models);
      const first = [...labels.keys()].filter((model) => given.has(model));
      return [...first, ...[...given].filter((model) => !labels.has(model))];
    },
  };
}
