import type { JinjaValue } from "./python_text.ts";

/** A node of a program, as far as it is looked at. */
export interface Node {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** A node that stands for what has been evaluated already. */
export const KNOWN = "Known";

/** Whether a value is a list or a tuple. */
export function isList(value: JinjaValue): value is JinjaValue & { readonly value: JinjaValue[] } {
  return value.type === "ArrayValue" || value.type === "TupleValue";
}

/** Whether a value is a number; Python's booleans are not meant. */
export function isNumber({ type }: JinjaValue): boolean {
  return type === "IntegerValue" || type === "FloatValue";
}

/** A node that is evaluated to a value. */
export function knownNode(value: JinjaValue): Node {
  return { type: KNOWN, value };
}

/** How many nodes have been counted of each macro. */
const SIZES = new WeakMap<object, number>();

/** How many nodes a node consists of. */
export function nodesOf(node: unknown): number {
  if (typeof node !== "object" || node === null) return 0;
  const known = SIZES.get(node);
  if (known !== undefined) return known;
  const parts = node instanceof Map ? [...node].flat() : Object.values(node);
  const size = parts.reduce((sum: number, part) => sum + nodesOf(part), 1);
  SIZES.set(node, size);
  return size;
}
