import { PROMPTS_SCRIPT } from "./prompts_script.ts";
import { PROVENANCE_SCRIPT } from "./provenance_script.ts";

/** Makes an element: attributes by name, then what is in it, texts as text nodes. */
const MAKE = `
const make = (tag, attributes, ...content) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...content);
  return element;
};
`.trim();

/** Sorts a table by a column, and hides single seeds in the figures. */
const TABLES = `
for (const table of document.querySelectorAll("table.booktabs")) {
  const body = table.tBodies[0];
  const original = [...body.rows];
  if (original.length < 3) continue;
  [...table.tHead.rows[table.tHead.rows.length - 1].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.title = "Sort by this column";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const next = { "": "descending", descending: "ascending", ascending: "" };
      const order = next[head.getAttribute("aria-sort") || ""];
      for (const other of table.tHead.querySelectorAll("[aria-sort]")) other.removeAttribute("aria-sort");
      if (order) head.setAttribute("aria-sort", order);
      const value = (row) => {
        const cell = row.cells[column];
        return "value" in cell.dataset ? Number(cell.dataset.value) : cell.textContent.trim();
      };
      const compare = (a, b) => {
        const [x, y] = [value(a), value(b)];
        if (typeof x !== typeof y) return typeof x === "number" ? -1 : 1;
        const way = order === "ascending" ? 1 : -1;
        return x < y ? -way : x > y ? way : 0;
      };
      body.append(...(order ? [...original].sort(compare) : original));
    });
  });
}
const figures = document.getElementById("figures");
if (figures && figures.textContent.includes("each seed")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "tool";
  button.textContent = "Hide single seeds";
  button.setAttribute("aria-pressed", "false");
  button.addEventListener("click", () => {
    const hidden = figures.classList.toggle("averages");
    button.setAttribute("aria-pressed", String(hidden));
  });
  figures.querySelector("h2").after(button);
}
`.trim();

/**
 * What the page can do beyond being read: sort tables, hide single seeds, show where a number came from,
 * browse prompts. Without it the numbers are there to read; it adds its own buttons, so none is dead.
 */
export const PAGE_SCRIPT = ['"use strict";', MAKE, TABLES, PROVENANCE_SCRIPT, PROMPTS_SCRIPT]
  .join("\n");
