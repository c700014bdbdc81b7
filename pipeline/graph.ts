import { InputError, nearest, type Problem } from "../core/problem.ts";
import type { Instance } from "./instance.ts";

/** The nodes of one cycle, the first repeated at the end; undefined when there is none. */
export function findCycle(edges: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const state = new Map<string, "open" | "done">();
  const trail: string[] = [];
  const visit = (node: string): string[] | undefined => {
    if (state.get(node) === "done" || !edges.has(node)) return undefined;
    if (state.get(node) === "open") return [...trail.slice(trail.indexOf(node)), node];
    state.set(node, "open");
    trail.push(node);
    for (const next of edges.get(node) ?? []) {
      const cycle = visit(next);
      if (cycle !== undefined) return cycle;
    }
    trail.pop();
    state.set(node, "done");
    return undefined;
  };
  for (const node of edges.keys()) {
    const cycle = visit(node);
    if (cycle !== undefined) return cycle.reverse();
  }
  return undefined;
}

/** The ids that an instance reads from, each once. */
export function upstreamOf(instance: Instance): string[] {
  return [...new Set(Object.values(instance.inputs).flat().map((ref) => ref.instance))];
}

/** The ids that must have a result before an instance starts: what it reads, and what it comes after. */
export function prerequisitesOf(instance: Instance): string[] {
  return [...new Set([...upstreamOf(instance), ...instance.after])];
}

/** The instances so ordered that each comes after its prerequisites; the given order otherwise. */
export function topological(instances: readonly Instance[]): Instance[] {
  const byId = new Map(instances.map((instance) => [instance.id, instance]));
  const ordered = new Set<Instance>();
  const visit = (instance: Instance): void => {
    if (ordered.has(instance)) return;
    for (const id of prerequisitesOf(instance)) {
      const upstream = byId.get(id);
      if (upstream !== undefined) visit(upstream);
    }
    ordered.add(instance);
  };
  instances.forEach(visit);
  return [...ordered];
}

/** Which part of a recipe to run; names are entries (`train`), ids, or ids without axes (`train/dpo`). */
export interface Selection {
  /** These and all they need. */
  readonly to?: readonly string[];
  /** These and all that follows from them (and what those need). */
  readonly from?: readonly string[];
  /** These alone; what they need must be cached. */
  readonly only?: readonly string[];
}

/** What a selection comes to. */
export interface Selected {
  /** In topological order: what is looked at. */
  readonly instances: readonly Instance[];
  /** Of these, what may be run; the rest must be cached. */
  readonly runnable: ReadonlySet<string>;
}

/**
 * Narrows the instances to a selection; everything when it is empty.
 *
 * @throws InputError for names that match nothing, with the nearest that would
 */
export function select(instances: readonly Instance[], selection: Selection): Selected {
  const ordered = topological(instances);
  const all = new Set(ordered.map(({ id }) => id));
  const to = named(ordered, selection.to, "--to");
  const from = named(ordered, selection.from, "--from");
  const only = named(ordered, selection.only, "--only");
  let wanted = to === undefined ? all : closure(ordered, to, "up");
  if (from !== undefined) {
    const after = closure(ordered, from, "down");
    wanted = new Set([...wanted].filter((id) => after.has(id)));
  }
  if (only !== undefined) wanted = new Set([...only].filter((id) => wanted.has(id)));
  const needed = closure(ordered, wanted, "up");
  return {
    instances: ordered.filter(({ id }) => needed.has(id)),
    runnable: only === undefined ? needed : wanted,
  };
}

function closure(
  ordered: readonly Instance[],
  start: ReadonlySet<string>,
  direction: "up" | "down",
): Set<string> {
  const reached = new Set(start);
  if (direction === "down") {
    for (const instance of ordered) {
      if (prerequisitesOf(instance).some((id) => reached.has(id))) reached.add(instance.id);
    }
    return reached;
  }
  for (const instance of ordered.toReversed()) {
    if (reached.has(instance.id)) prerequisitesOf(instance).forEach((id) => reached.add(id));
  }
  return reached;
}

/** Whether a name that a person wrote means this instance. */
export function isNamed(instance: Instance, name: string): boolean {
  return instance.id === name || instance.entry === name || instance.id.split("@")[0] === name;
}

function named(
  instances: readonly Instance[],
  names: readonly string[] | undefined,
  option: string,
): Set<string> | undefined {
  if (names === undefined || names.length === 0) return undefined;
  const problems: Problem[] = [];
  const found = names.flatMap((name) => {
    const ids = instances.filter((instance) => isNamed(instance, name)).map(({ id }) => id);
    if (ids.length === 0) problems.push(unknownName(name, instances, option));
    return ids;
  });
  if (problems.length > 0) throw new InputError(problems, "The selection names unknown stages");
  return new Set(found);
}

function unknownName(name: string, instances: readonly Instance[], option: string): Problem {
  const entries = [...new Set(instances.map(({ entry }) => entry))];
  return {
    path: `${option} ${name}`,
    message: `The recipe has no such stage; expected one of ${
      entries.join(", ")
    }, or an id such as ${instances[0]?.id}.`,
    nearest: nearest(name, [...entries, ...instances.map(({ id }) => id)]),
  };
}
