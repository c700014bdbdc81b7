import { escapeHtml } from "../../reports/html.ts";

/** HTML that is safe to put on a page: made by the tag `html` alone. */
export class Html {
  private constructor(readonly text: string) {}

  /** @internal for `html`, and for constants of the project's own */
  static trusted(text: string): Html {
    return new Html(text);
  }
}

/** What may stand in a template: texts and numbers are escaped, HTML and lists of it are not. */
export type Content = string | number | Html | readonly Html[];

/**
 * A template in which every text is escaped, as content or between quotes in an attribute, so that none
 * can be forgotten.
 *
 * @example
 * ```ts
 * import { html } from "./html.ts";
 * const cells = ["<b>", "x"].map((text) => html`<td>${text}</td>`);
 * if (html`<tr>${cells}</tr>`.text !== "<tr><td>&lt;b&gt;</td><td>x</td></tr>") throw new Error();
 * ```
 */
export function html(pieces: TemplateStringsArray, ...contents: readonly Content[]): Html {
  const texts = contents.map((content, i) => rendered(content) + pieces[i + 1]);
  return Html.trusted(pieces[0] + texts.join(""));
}

/** An attribute with the blank before it; nothing without a value. */
export function attribute(name: string, value: string | null): Html {
  return value === null ? NOTHING : Html.trusted(` ${name}="${escapeHtml(value)}"`);
}

/** Nothing at all. */
export const NOTHING: Html = Html.trusted("");

function rendered(content: Content): string {
  if (content instanceof Html) return content.text;
  if (typeof content === "string") return escapeHtml(content);
  if (typeof content === "number") return String(content);
  return content.map(({ text }) => text).join("");
}
