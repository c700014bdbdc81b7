import { sha256 } from "./digest.ts";

/**
 * JSON text that carries its own digest, for files whose damage must be noticed.
 *
 * @example
 * ```ts
 * import { formatChecked, parseChecked } from "./checked_json.ts";
 * const text = formatChecked({ a: 1 });
 * if (parseChecked(text.replace("1", "2")) !== null) throw new Error();
 * ```
 */
export function formatChecked(value: unknown): string {
  const text = JSON.stringify(value);
  return `{"check":"${sha256(text)}","value":${text}}\n`;
}

/** The value of such a text; `null` for one that was cut, changed, or never such a text. */
export function parseChecked(text: string | null): unknown {
  const found = /^\{"check":"([0-9a-f]{64})","value":(.*)\}\n$/s.exec(text ?? "");
  if (found === null || sha256(found[2]) !== found[1]) return null;
  return JSON.parse(found[2]);
}
