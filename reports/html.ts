import { Buffer } from "node:buffer";
import { sha256 } from "../core/digest.ts";
import { formatCount, formatInterval, formatNumber, halfWidth } from "./number_format.ts";
import {
  type Cell,
  type Column,
  columnGroups,
  isLongText,
  isQuantity,
  noteLetter,
  type Quantity,
  type Table,
} from "./table.ts";
import { visibleText } from "../core/visible_text.ts";

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Untrusted text for HTML, as content or between quotes in an attribute; line breaks are kept. */
export function escapeHtml(text: string): string {
  return visibleText(text, { keepLines: true }).replace(/[&<>"']/g, (found) => ENTITIES[found]);
}

/** A style or script that a page carries, as the page's policy admits it: by its hash. */
export function policySource(text: string): string {
  return `'sha256-${Buffer.from(sha256(text), "hex").toString("base64")}'`;
}

/** A name made fit for an `id`: letters, digits, hyphens. */
export function htmlId(name: string): string {
  return name.replace(/[^A-Za-z0-9]+/g, "-").replace(/^-|-$/g, "") || "x";
}

/**
 * A table as an HTML `<figure>`: heading cells with scope, the interval of every number in its `title`
 * and `data-value` for sorting.
 */
export function renderHtml(table: Table): string {
  const id = htmlId(table.id);
  const groups = columnGroups(table.columns);
  const grouped = groups.some(({ label }) => label !== null);
  const rows = table.rows.map(({ cells }) =>
    `<tr>${cells.map((cell, at) => cellHtml(cell, table.columns[at], at)).join("")}</tr>`
  );
  const notes = table.notes.map((note, i) => `<p>(${noteLetter(i)}) ${escapeHtml(note)}</p>`);
  return [
    `<figure class="table" id="table-${id}">`,
    `<p class="caption" id="caption-${id}">${escapeHtml(table.title)}</p>`,
    `<div class="scroll" tabindex="0" role="region" aria-labelledby="caption-${id}">`,
    `<table class="booktabs" aria-labelledby="caption-${id}">`,
    `<thead>${grouped ? groupRow(groups) : ""}<tr>${
      table.columns.map(headingCell).join("")
    }</tr></thead>`,
    `<tbody>\n${rows.join("\n")}\n</tbody></table></div>`,
    `<figcaption>${notes.join("")}${
      table.caption === "" ? "" : `<p>${escapeHtml(table.caption)}</p>`
    }</figcaption>`,
    `</figure>`,
  ].join("\n");
}

function groupRow(groups: ReturnType<typeof columnGroups>): string {
  const cells = groups.map(({ label, count }) =>
    label === null
      ? `<td colspan="${count}"></td>`
      : `<th scope="colgroup" colspan="${count}"><span>${escapeHtml(label)}</span></th>`
  );
  return `<tr class="groups">${cells.join("")}</tr>`;
}

function headingCell(column: Column): string {
  const arrow = column.better === null
    ? ""
    : `&nbsp;<span class="better" title="${column.better} is better">${
      column.better === "higher" ? "↑" : "↓"
    }<span class="hidden"> ${column.better} is better</span></span>`;
  const below = [
    ...(column.unit === null ? [] : [escapeHtml(column.unit)]),
    ...(column.n === null ? [] : [`n ${formatCount(column.n)}`]),
  ];
  const unit = below.length === 0 ? "" : `<small>${below.join(", ")}</small>`;
  return `<th scope="col" class="${column.align}">${escapeHtml(column.label)}${arrow}${unit}</th>`;
}

function cellHtml(cell: Cell, column: Column, at: number): string {
  const notes = cell.notes.map((index) => `<sup>${noteLetter(index)}</sup>`).join("");
  const tag = at === 0 ? "th" : "td";
  const scope = at === 0 ? ` scope="row"` : "";
  if (isQuantity(cell.content)) {
    const title = escapeHtml(titleOf(cell.content));
    return `<${tag}${scope} class="${column.align}" data-value="${cell.content.value}" title="${title}">${
      quantityHtml(cell, cell.content, column)
    }${notes}</${tag}>`;
  }
  const text = cell.content === null ? `<span class="none">–</span>` : escapeHtml(cell.content);
  const long = isLongText(cell.content) ? " long" : "";
  return `<${tag}${scope} class="${column.align}${long}">${text}${notes}</${tag}>`;
}

function quantityHtml(cell: Cell, quantity: Quantity, column: Column): string {
  const half = halfWidth(quantity);
  const mean = formatNumber(quantity.value, quantity.digits);
  const shown = cell.best ? `<strong>${mean}</strong>` : mean;
  const interval = half === null ? "" : ` <span class="half">± ${half}</span>`;
  const n = column.n === null && quantity.n !== null
    ? ` <span class="half">(n ${formatCount(quantity.n)})</span>`
    : "";
  return shown + interval + n;
}

function titleOf(quantity: Quantity): string {
  const parts = [formatNumber(quantity.value, quantity.digits)];
  if (quantity.interval !== null) {
    parts.push(`95% interval ${formatInterval(quantity.interval, quantity.digits)}`);
  }
  if (quantity.n !== null) parts.push(`n ${formatCount(quantity.n)}`);
  return parts.join(", ");
}
