import type { Json } from "../core/json.ts";
import type { Stage } from "./stage.ts";

/** A place on the recipe's axes, such as `{ method: "dpo", seed: 1 }`. */
export type Axes = Readonly<Record<string, string | number>>;

/** One output of one instance. */
export interface OutputRef {
  readonly instance: string;
  readonly port: string;
  /** The place of that instance on the recipe's axes. */
  readonly axes: Axes;
}

/** A stage with its parameters and wiring fixed: a node of the graph. */
export interface Instance {
  /** `train/rpo-sum@seed=1`. */
  readonly id: string;
  /** The recipe's entry, such as `train`. */
  readonly entry: string;
  readonly stage: Stage;
  readonly axes: Axes;
  /** Validated, defaults filled in, paths absolute. */
  readonly params: Json;
  /** Parameters that name files or folders outside the store, as absolute paths. */
  readonly paths: Readonly<Record<string, string>>;
  /** Of `paths`, those of modules: what each may import. */
  readonly modules: Readonly<Record<string, readonly string[]>>;
  readonly inputs: Readonly<Record<string, readonly OutputRef[]>>;
  /** Instances that must have a result before this one is started, although it reads nothing of them. */
  readonly after: readonly string[];
}

/**
 * The id of an instance: named records after a slash, scalar axes after an at sign.
 *
 * @example
 * ```ts
 * import { instanceId } from "./instance.ts";
 * const id = instanceId("train", { method: "dpo", seed: 1 }, new Set(["method"]));
 * if (id !== "train/dpo@seed=1") throw new Error(id);
 * ```
 */
export function instanceId(entry: string, axes: Axes, named: ReadonlySet<string>): string {
  const names = Object.entries(axes).filter(([axis]) => named.has(axis));
  const scalars = Object.entries(axes).filter(([axis]) => !named.has(axis));
  const path = [entry, ...names.map(([, value]) => value)].join("/");
  const at = scalars.map(([axis, value]) => `${axis}=${value}`).join(",");
  return at === "" ? path : `${path}@${at}`;
}

/** The recipe's entry that an instance of this id is of. */
export function entryOf(id: string): string {
  return id.split(/[/@]/, 1)[0];
}
