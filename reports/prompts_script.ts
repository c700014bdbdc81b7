/**
 * Browses the prompts of a page: reads its data block when the section comes near, filters, and makes
 * the rows of one page at a time. Texts go into the page as text nodes alone. Needs `make` of
 * `page_script.ts`.
 */
export const PROMPTS_SCRIPT = `
const startPrompts = (data) => {
  const PAGE = 25;
  const { systems, records, pair } = JSON.parse(data.textContent);
  const control = (name) => document.getElementById("prompts-" + name);
  const [left, right, category, outcome, search, once, shown, list, previous, next] =
    ["left", "right", "category", "outcome", "search", "once", "shown", "list", "previous", "next"]
      .map(control);
  const labels = new Map(systems.map(({ id, label }) => [id, label]));
  const option = (value, text) => make("option", { value }, text);
  const count = (number) => number.toLocaleString("en");
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const sideOf = (credit) => credit > 0.5 + 1e-9 ? "right" : credit < 0.5 - 1e-9 ? "left" : "even";
  const texts = [];
  let page = 0;
  let found = [];

  const verdictsOf = (record) =>
    (record.verdicts || []).filter(({ systems }) =>
      systems.every((system) => system === left.value || system === right.value) &&
      new Set(systems).size === systems.length
    );
  const creditsOf = (record) =>
    verdictsOf(record).filter(({ systems, value }) => systems.length === 2 && value !== null)
      .map(({ systems, value }) => systems[1] === right.value ? value : 1 - value);
  const worthOf = (record, system) => {
    const grades = verdictsOf(record).filter(({ systems, value }) =>
      systems.length === 1 && systems[0] === system && value !== null
    ).map(({ value }) => value);
    if (grades.length > 0) return mean(grades);
    const reply = record.replies.find((reply) => reply.system === system);
    return reply === undefined ? null : reply.score;
  };
  const judge = (record) => {
    const credits = creditsOf(record);
    if (credits.length > 0) {
      const disagree = new Set(credits.map(sideOf)).size > 1;
      return { side: sideOf(mean(credits)), disagree };
    }
    const [a, b] = [worthOf(record, left.value), worthOf(record, right.value)];
    if (a === null || b === null) return { side: "unknown", disagree: false };
    return { side: b > a ? "right" : b < a ? "left" : "even", disagree: false };
  };
  const words = () => ({
    all: "All",
    left: labels.get(left.value) + " better",
    right: labels.get(right.value) + " better",
    even: "Even",
    disagree: "Verdicts disagree",
    unknown: "Not judged",
  });

  const side = (record, system) => {
    const reply = record.replies.find((reply) => reply.system === system);
    const name = make("p", { class: "label" }, labels.get(system));
    if (reply === undefined) return make("div", {}, name, make("p", { class: "note" }, "No reply."));
    const score = reply.score === null ? [] : [make("p", { class: "note" }, "Score " + reply.score.toFixed(2))];
    return make("div", {}, name, make("p", { class: "reply" }, make("bdi", {}, reply.text)), ...score);
  };
  const says = ({ systems, value }) => {
    if (value === null) return "no verdict";
    if (systems.length === 1) return "grade " + Number(value.toFixed(2));
    if (sideOf(value) === "even") return "even";
    const sure = Math.max(value, 1 - value);
    return labels.get(systems[value > 0.5 ? 1 : 0]) + " better" + (sure < 1 ? " (" + sure.toFixed(2) + ")" : "");
  };
  const verdictTable = (record) => {
    const verdicts = verdictsOf(record);
    if (verdicts.length === 0) return [];
    const head = ["Judge", "Shown first", "Verdict"].map((text) => make("th", { scope: "col" }, text));
    const rows = verdicts.map((verdict) => {
      const { judge, systems, swapped } = verdict;
      const order = swapped === null ? "either one" : labels.get(systems[swapped ? 1 : 0]);
      const first = systems.length === 1 ? "–" : order;
      return make("tr", {}, ...[judge, first, says(verdict)].map((text) => make("td", {}, text)));
    });
    return [make("table", { class: "verdicts" },
      make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows))];
  };
  const body = (record) => [
    make("p", { class: "prompt reply" }, make("bdi", {}, record.prompt)),
    make("div", { class: "sides" }, side(record, left.value), side(record, right.value)),
    ...verdictTable(record),
  ];
  const row = (record) => {
    const start = [...record.prompt.slice(0, 400)].slice(0, 140).join("").replace(/\\s+/g, " ");
    const { side, disagree } = judge(record);
    const chips = [
      ...(record.category === undefined ? [] : [record.category]),
      ...(side === "unknown" ? [] : [words()[side]]),
      ...(disagree ? [words().disagree] : []),
    ].map((text) => make("span", { class: "chip" }, text));
    const summary = make("summary", {}, make("bdi", { class: "start" }, start), ...chips);
    const details = make("details", { class: "row" }, summary);
    details.addEventListener("toggle", () => {
      if (details.open && details.childElementCount === 1) details.append(...body(record));
    });
    return details;
  };

  const draw = () => {
    const from = page * PAGE;
    const some = found.slice(from, from + PAGE);
    list.replaceChildren(...some.map((record) => row(record)));
    if (list.firstChild !== null) list.firstChild.open = true;
    const all = found.length === records.length ? "" : ", of " + count(records.length) + " in all";
    shown.textContent = found.length === 0
      ? "No prompt fits" + all + "."
      : count(from + 1) + "–" + count(from + some.length) + " of " + count(found.length) + all + ".";
    previous.disabled = page === 0;
    next.disabled = from + PAGE >= found.length;
  };
  const fits = (query) => (record, i) => {
    if (category.value !== "" && record.category !== category.value) return false;
    if (outcome.value !== "all") {
      const { side, disagree } = judge(record);
      if (outcome.value === "disagree" ? !disagree : side !== outcome.value) return false;
    }
    if (query === "") return record.replies.some(({ system }) => system === left.value || system === right.value);
    texts[i] ??= [record.prompt, ...record.replies.map(({ text }) => text)].join("\\n").toLowerCase();
    return texts[i].includes(query);
  };
  const filter = () => {
    found = records.filter(fits(search.value.trim().toLowerCase()));
    page = 0;
    draw();
  };
  const nameOutcomes = () => {
    const chosen = outcome.value || "all";
    const times = records.map((record) => creditsOf(record).length);
    const again = times.some((count) => count > 1);
    const names = Object.entries(words()).filter(([name]) => name !== "disagree" || again);
    outcome.replaceChildren(...names.map(([value, text]) => option(value, text)));
    outcome.value = names.some(([value]) => value === chosen) ? chosen : "all";
    once.hidden = again || times.every((count) => count === 0);
  };
  for (const choice of [left, right]) choice.append(...systems.map(({ id, label }) => option(id, label)));
  [left.value, right.value] = pair;
  const categories = [...new Set(records.map(({ category }) => category))].filter((name) => name !== undefined);
  category.append(option("", "All"), ...categories.sort().map((name) => option(name, name)));
  category.parentElement.hidden = categories.length < 2;
  nameOutcomes();
  for (const choice of [left, right]) choice.addEventListener("change", () => (nameOutcomes(), filter()));
  for (const choice of [category, outcome]) choice.addEventListener("change", filter);
  let waiting;
  search.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(filter, 150);
  });
  const turn = (by) => () => {
    page += by;
    draw();
    shown.scrollIntoView({ block: "nearest" });
  };
  previous.addEventListener("click", turn(-1));
  next.addEventListener("click", turn(1));
  filter();
  document.getElementById("browser").hidden = false;
};
const promptData = document.getElementById("prompt-data");
if (promptData !== null) {
  const observer = new IntersectionObserver((entries) => {
    if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
    observer.disconnect();
    startPrompts(promptData);
  }, { rootMargin: "1000px" });
  observer.observe(document.getElementById("prompts"));
}
`.trim();
