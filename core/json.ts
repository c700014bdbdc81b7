/** A value that JSON can carry. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/**
 * Writes a value as canonical JSON: object keys in code-unit order, no white space, numbers as
 * ECMAScript prints them. Equal values give equal text on every machine, which makes it fit for keys.
 *
 * @param value any JSON value; object entries that are `undefined` are left out
 * @throws TypeError for what JSON cannot carry (NaN, infinity, bigint, functions)
 *
 * @example
 * ```ts
 * import { canonicalJson } from "./json.ts";
 * if (canonicalJson({ b: 1, a: [true, null] }) !== '{"a":[true,null],"b":1}') throw new Error();
 * ```
 */
export function canonicalJson(value: unknown): string {
  return write(value, "$");
}

/** Values as text, one JSON value a line. */
export function jsonLines(values: readonly unknown[]): string {
  return values.map((value) => `${JSON.stringify(value)}\n`).join("");
}

/** Whether a value of JSON is an object. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const known = new WeakMap<object, string>();

/**
 * Remembers the canonical JSON of an object that is never changed, so that it is made once, however many
 * values hold it.
 *
 * @returns the object
 */
export function withKnownJson<Value extends object>(value: Value): Value {
  known.set(value, canonicalJson(value));
  return value;
}

function write(value: unknown, path: string): string {
  if (value === null || typeof value === "boolean" || typeof value === "string") {
    return JSON.stringify(value);
  }
  if (typeof value === "number") {
    if (!Number.isFinite(value)) {
      throw new TypeError(`Expected ${path} to be a finite number but found ${value}.`);
    }
    return JSON.stringify(value);
  }
  if (Array.isArray(value)) {
    return `[${value.map((item, i) => write(item, `${path}[${i}]`)).join(",")}]`;
  }
  if (typeof value === "object") {
    const text = known.get(value);
    if (text !== undefined) return text;
    const entries = Object.entries(value as Record<string, unknown>)
      .filter(([, item]) => item !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    return `{${
      entries.map(([key, item]) => `${JSON.stringify(key)}:${write(item, `${path}.${key}`)}`).join(
        ",",
      )
    }}`;
  }
  throw new TypeError(`Expected ${path} to be a JSON value but found a ${typeof value}.`);
}
