import { canonicalJson, type Json } from "../core/json.ts";
import type { Difference } from "./artifact.ts";

/** A place at which two JSON values differ; a side that has nothing there is `undefined`. */
export interface LeafDifference {
  /** Names with dots between them; empty for the values themselves. */
  readonly path: string;
  readonly before: Json | undefined;
  readonly after: Json | undefined;
}

/**
 * Where two JSON values differ: one entry a leaf.
 *
 * @param options.lists compares lists element by element, else each as a whole
 *
 * @example
 * ```ts
 * import { differingLeaves } from "./diff_json.ts";
 * const [{ path, after }] = differingLeaves({ a: [1] }, { a: [1, 2] }, { lists: true });
 * if (path !== "a.1" || after !== 2) throw new Error();
 * ```
 */
export function differingLeaves(
  before: Json | undefined,
  after: Json | undefined,
  { lists }: { lists: boolean },
): LeafDifference[] {
  const found: LeafDifference[] = [];
  const walk = (a: Json | undefined, b: Json | undefined, path: string): void => {
    const alike = isContainer(a) && isContainer(b) && Array.isArray(a) === Array.isArray(b);
    if (!alike || Array.isArray(a) && !lists) {
      if (!isEqual(a, b)) found.push({ path, before: a, after: b });
    } else {
      for (const name of new Set([...Object.keys(a), ...Object.keys(b)])) {
        walk(entry(a, name), entry(b, name), path === "" ? name : `${path}.${name}`);
      }
    }
  };
  walk(before, after, "");
  return found;
}

/**
 * The same as texts, lists element by element: values as JSON, and what is on one side only `absent` on
 * the other.
 *
 * @example
 * ```ts
 * import { diffJson } from "./diff_json.ts";
 * const [{ path, before, after }] = diffJson({ params: { beta: 0.1 } }, { params: { beta: 0.2 } });
 * if (`${path} ${before} ${after}` !== "params.beta 0.1 0.2") throw new Error();
 * ```
 */
export function diffJson(before: Json | undefined, after: Json | undefined): Difference[] {
  return differingLeaves(before, after, { lists: true }).map(leafText);
}

/** A differing leaf in words. */
export function leafText({ path, before, after }: LeafDifference): Difference {
  return { path, before: shown(before), after: shown(after) };
}

function isEqual(a: Json | undefined, b: Json | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a === b || canonicalJson(a) === canonicalJson(b);
}

function isContainer(value: Json | undefined): value is Json[] | { [key: string]: Json } {
  return typeof value === "object" && value !== null;
}

function entry(container: Json[] | { [key: string]: Json }, name: string): Json | undefined {
  return Object.hasOwn(container, name) ? (container as { [key: string]: Json })[name] : undefined;
}

function shown(value: Json | undefined): string {
  return value === undefined ? "absent" : JSON.stringify(value);
}
