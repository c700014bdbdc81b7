import { stringify } from "yaml";
import type { Json } from "../../core/json.ts";
import { visibleText } from "../../core/visible_text.ts";

/**
 * The block of YAML that a card of the hub begins with. Every text is quoted, so that no reader takes
 * it for a truth value or a number, and characters that act are written out.
 */
export function frontMatter(fields: Readonly<Record<string, Json>>): string {
  const text = stringify(written(fields), {
    defaultStringType: "QUOTE_DOUBLE",
    defaultKeyType: "PLAIN",
    lineWidth: 0,
  });
  return `---\n${text}---\n`;
}

function written(value: Json): Json {
  if (typeof value === "string") return visibleText(value);
  if (Array.isArray(value)) return value.map(written);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, written(inner)]));
}

/** The hub's mark for a licence that nobody has stated. */
export const UNKNOWN_LICENSE = "unknown";

/** What the `license` field takes: the hub knows its licences by names in lower case. */
export function licenseId(license: string | null): string {
  const id = license?.trim().toLowerCase() ?? "";
  return /^[a-z0-9][a-z0-9.-]*$/.test(id) ? id : UNKNOWN_LICENSE;
}
