import { visibleText } from "../core/visible_text.ts";

const ESCAPES: Readonly<Record<string, string>> = {
  "<": "\\u003c",
  ">": "\\u003e",
  "&": "\\u0026",
};

/**
 * A value as a data block of a page, which its script reads by `JSON.parse`. Untrusted texts may be
 * anywhere in it: nothing in the block can end it, and acting characters are written out.
 *
 * @param id of the element
 *
 * @example
 * ```ts
 * import { jsonScript } from "./json_script.ts";
 * const block = jsonScript("data", ["</script>"]);
 * if (block.indexOf("</script>") !== block.length - "</script>".length) throw new Error(block);
 * ```
 */
export function jsonScript(id: string, value: unknown): string {
  const text = JSON.stringify(
    value,
    (_, item) => typeof item === "string" ? visibleText(item, { keepLines: true }) : item,
  );
  const escaped = text.replace(/[<>&]/g, (found) => ESCAPES[found]);
  return `<script type="application/json" id="${id}">${escaped}</script>`;
}
