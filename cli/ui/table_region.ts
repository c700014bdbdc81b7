import { attribute, type Html, html } from "./html.ts";

/** A table that scrolls by itself where the page is too narrow for it. */
export interface TableRegion {
  /** What it holds, for those who do not see it. */
  readonly label: string;
  /** Headings of its columns; those of numbers on the right. */
  readonly heads: readonly (string | { readonly right: string })[];
  readonly rows: readonly Html[];
}

/** The table with its headings, within the region that scrolls. */
export function tableRegion({ label, heads, rows }: TableRegion): Html {
  const cells = heads.map((head) => {
    const [text, kind] = typeof head === "string" ? [head, null] : [head.right, "right"];
    return html`
      <th scope="col" ${attribute("class", kind)}>${text}</th>
    `;
  });
  return html`
    <div class="scroll" tabindex="0" role="region" aria-label="${label}">
      <table class="booktabs">
        <thead>
          <tr>${cells}</tr>
        </thead>
        <tbody>${rows}</tbody>
      </table>
    </div>
  `;
}
