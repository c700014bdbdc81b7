/**
 * Makes every traced cell a button that opens where it came from. A table is one stop of the Tab key;
 * arrow keys move within it. Texts go into the page as text nodes alone. Needs `make` of
 * `page_script.ts`.
 */
export const PROVENANCE_SCRIPT = `
const startProvenance = (data) => {
  const { command, stages, chains, tables } = JSON.parse(data.textContent);
  const dialog = make("dialog", { id: "provenance", "aria-labelledby": "provenance-title" });
  document.body.append(dialog);
  const word = (text) => /^[A-Za-z0-9_.:@=,/-]+$/.test(text) ? text : "'" + text.replaceAll("'", "'\\\\''") + "'";

  const stageDetails = (index) => {
    const { instance, took, facts } = stages[index];
    const summary = make("summary", {}, instance, " ", make("span", { class: "note" }, took));
    const details = make("details", {}, summary);
    details.addEventListener("toggle", () => {
      if (!details.open || details.childElementCount > 1) return;
      const list = make("dl", { class: "facts" });
      for (const [name, value] of facts) list.append(make("dt", {}, name), make("dd", {}, value));
      details.append(list);
    });
    return details;
  };
  const stepSection = ({ kind, describe, stages }) =>
    make("li", {}, make("h3", {}, kind), make("p", { class: "note" }, describe), ...stages.map(stageDetails));
  const open = (table, row, column, { shown, chain }) => {
    const close = make("button", { type: "button", class: "tool close" }, "Close");
    close.addEventListener("click", () => dialog.close());
    const words = [command, row.id, column.id, ...(table.id === tables[0].id ? [] : ["--table", table.id])];
    dialog.replaceChildren(
      close,
      make("h2", { id: "provenance-title" }, "Where " + shown + " comes from"),
      make("p", {}, row.label + ", " + column.label + ". " + table.title + "."),
      make("pre", { tabindex: "0" }, words[0] + " " + words.slice(1).map(word).join(" ")),
      make("ol", { class: "chain" }, ...chains[chain].map(stepSection)),
    );
    dialog.showModal();
  };

  const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  const move = (body) => (event) => {
    const step = steps[event.key];
    const cell = event.target.closest("td,th");
    if (step === undefined || cell === null) return;
    let [row, column] = [cell.parentElement.sectionRowIndex, cell.cellIndex];
    for (;;) {
      [row, column] = [row + step[0], column + step[1]];
      const next = body.rows[row] && body.rows[row].cells[column];
      if (!next) return;
      const button = next.querySelector("button.cell");
      if (button === null) continue;
      event.preventDefault();
      body.querySelector("button.cell[tabindex='0']").tabIndex = -1;
      button.tabIndex = 0;
      button.focus();
      return;
    }
  };
  for (const table of tables) {
    const body = document.querySelector("#" + table.element + " tbody");
    if (body === null) continue;
    let first = true;
    table.rows.forEach((row, r) => row.cells.forEach((traced, c) => {
      if (traced === null) return;
      const cell = body.rows[r].cells[c];
      const button = make("button", { type: "button", class: "cell", "aria-haspopup": "dialog" });
      button.tabIndex = first ? 0 : -1;
      first = false;
      button.append(...cell.childNodes);
      cell.append(button);
      button.addEventListener("click", () => open(table, row, table.columns[c], traced));
    }));
    body.addEventListener("keydown", move(body));
  }
};
const provenanceData = document.getElementById("provenance-data");
if (provenanceData !== null) startProvenance(provenanceData);
`.trim();
