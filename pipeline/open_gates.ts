import { prerequisitesOf } from "./graph.ts";
import type { Instance } from "./instance.ts";
import type { RecipeSource } from "./recipe.ts";

/**
 * Says, a sentence for each gate, which entries read what a gate guards (`guards` of its stage) without
 * waiting for it: whatever it finds does not stop them.
 */
export function openGates(instances: readonly Instance[], source: RecipeSource): string[] {
  const byId = new Map(instances.map((instance) => [instance.id, instance]));
  const ungated = new Map<string, Set<string>>();
  for (const gate of instances) {
    if (gate.stage.guards === undefined) continue;
    const before = ancestors(gate, byId);
    for (const reader of readersOf(gate.inputs[gate.stage.guards], instances)) {
      if (reader === gate || before.has(reader.id) || ancestors(reader, byId).has(gate.id)) {
        continue;
      }
      const entries = ungated.get(gate.entry) ?? new Set();
      ungated.set(gate.entry, entries.add(reader.entry));
    }
  }
  return [...ungated].map(([gate, readers]) =>
    `${source.locate(["stages", gate])}: It does not stop ${[...readers].join(", ")}, which read ` +
    `what it checks. Write "after: [${gate}]" there.`
  );
}

function readersOf(guarded: Instance["inputs"][string], instances: readonly Instance[]) {
  return instances.filter(({ inputs }) =>
    Object.values(inputs).flat().some((ref) =>
      guarded.some(({ instance, port }) => ref.instance === instance && ref.port === port)
    )
  );
}

/** The ids of all that must have a result before an instance starts. */
function ancestors(instance: Instance, byId: ReadonlyMap<string, Instance>): Set<string> {
  const found = new Set<string>();
  const visit = (one: Instance): void => {
    for (const id of prerequisitesOf(one)) {
      if (found.has(id)) continue;
      found.add(id);
      const next = byId.get(id);
      if (next !== undefined) visit(next);
    }
  };
  visit(instance);
  return found;
}
