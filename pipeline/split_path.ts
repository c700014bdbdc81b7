import type { Json } from "../core/json.ts";

/** `a.b[0].c` as `["a", "b", 0, "c"]`. */
export function splitPath(path: string): (string | number)[] {
  if (path === "") return [];
  return [...path.matchAll(/\[(\d+)\]|[^.[\]]+/g)].map((part) =>
    part[1] === undefined ? part[0] : Number(part[1])
  );
}

/** The key that is no key in JavaScript: what is set under it is lost. */
export const PROTOTYPE = "__proto__";

/** Where a value holds the key `__proto__`. */
export function prototypeKeys(value: Json): (string | number)[][] {
  if (value === null || typeof value !== "object") return [];
  return Object.entries(value).flatMap(([key, item]) =>
    key === PROTOTYPE ? [[key]] : prototypeKeys(item).map((inside) => [key, ...inside])
  );
}
