import { mergePrompts, type PromptRecord } from "../core/prompt_record.ts";
import { escapeHtml } from "./html.ts";
import { jsonScript } from "./json_script.ts";
import { formatCount, formatNumber } from "./number_format.ts";
import type { ReportInput } from "./report_input.ts";

/** Prompts that are shown where scripts are off. */
const WITHOUT_SCRIPT = 10;

/** What the page's script needs of the prompts: systems by name, and the records. */
interface PromptData {
  readonly systems: readonly { readonly id: string; readonly label: string }[];
  readonly records: readonly PromptRecord[];
  /** The systems that are shown first. */
  readonly pair: readonly [string, string];
}

/** The section and the data that its script reads; null where no replies are known. */
interface PromptsSection {
  readonly id: string;
  readonly heading: string;
  readonly body: string;
  readonly data: string;
}

/**
 * Prompts to browse: the replies of two systems side by side, what judges said in both orders, scores;
 * filtered by category, by who is better and by words. Rows are made by the script as they are asked
 * for, so that ten thousand prompts cost a page only their text. Without scripts the first ones are there.
 */
export function promptsSection(input: ReportInput): PromptsSection | null {
  const data = promptData(input);
  if (data.records.length === 0) return null;
  const count = data.records.length === 1
    ? "One prompt"
    : `${formatCount(data.records.length)} prompts`;
  const body = [
    `<p>${count}. Choose two systems; a row opens their replies.</p>`,
    `<div id="browser" hidden>`,
    `<div class="controls" role="search" aria-label="Prompts">`,
    select("left", "Left"),
    select("right", "Right"),
    select("category", "Category"),
    select("outcome", "Outcome"),
    `<label for="prompts-search">Words <input type="search" id="prompts-search" ` +
    `autocomplete="off" spellcheck="false"></label>`,
    `</div>`,
    `<p id="prompts-once" class="note" hidden>No two verdicts on a prompt are known for these systems, ` +
    `so that none can disagree.</p>`,
    `<p id="prompts-shown" class="note" role="status"></p>`,
    `<div id="prompts-list"></div>`,
    `<p class="pager"><button type="button" class="tool" id="prompts-previous">Previous</button> ` +
    `<button type="button" class="tool" id="prompts-next">Next</button></p>`,
    `</div>`,
    `<noscript>`,
    ...data.records.slice(0, WITHOUT_SCRIPT).map((record, i) => article(record, { i, data })),
    `</noscript>`,
  ].join("\n");
  return {
    id: "prompts",
    heading: "Replies side by side",
    body,
    data: jsonScript("prompt-data", data),
  };
}

function promptData({ results, test, prompts = [] }: ReportInput): PromptData {
  const records = mergePrompts([...prompts, ...results.examples]);
  const known = new Map(results.systems.map(({ id, label }) => [id, label]));
  const replying = new Set(
    records.flatMap(({ replies }) => replies.map(({ system }) => system)),
  );
  const ordered = [...known.keys(), ...replying].filter((id) => replying.has(id));
  const systems = [...new Set(ordered)];
  const [left, right] = firstPair(records, test)
    .find((pair) => pair.length > 1 && pair.every((id) => replying.has(id))) ??
    (systems.length > 1 ? systems : [systems[0], systems[0]]);
  return {
    systems: systems.map((id) => ({ id, label: known.get(id) ?? id })),
    records,
    pair: [left, right],
  };
}

/** Pairs to show first, the best first: a judged one of the tested method, a judged one, the tested one. */
function firstPair(
  records: readonly PromptRecord[],
  test: ReportInput["test"],
): (readonly string[])[] {
  const judged = records.flatMap(({ verdicts = [] }) =>
    verdicts.map(({ systems }) => systems).filter((systems) => systems.length === 2)
  );
  const tested = test === null ? [] : [test.opponents[0].system, test.methods[0]];
  const ofMethod = judged.filter((pair) => pair.includes(tested[1]));
  return [...ofMethod.slice(0, 1), ...judged.slice(0, 1), tested];
}

function select(name: string, label: string): string {
  const id = `prompts-${name}`;
  return `<label for="${id}">${label} <select id="${id}"></select></label>`;
}

function article(
  { prompt, replies }: PromptRecord,
  { i, data }: { readonly i: number; readonly data: PromptData },
): string {
  const label = (id: string) => data.systems.find((system) => system.id === id)!.label;
  const scored = replies.some(({ score }) => score !== null);
  const rows = replies.map(({ system, text, score }) => {
    const shown = score === null ? "–" : formatNumber(score, 2);
    return `<tr><th scope="row">${escapeHtml(label(system))}</th>` +
      `<td class="reply"><bdi>${escapeHtml(text)}</bdi></td>` +
      (scored ? `<td class="right">${shown}</td>` : "") + `</tr>`;
  });
  return [
    `<article aria-labelledby="example-${i + 1}">`,
    `<h3 id="example-${i + 1}">Prompt ${i + 1}</h3>`,
    `<p class="prompt reply"><bdi>${escapeHtml(prompt)}</bdi></p>`,
    `<table class="replies"><thead><tr><th scope="col">System</th><th scope="col">Reply</th>` +
    (scored ? `<th scope="col" class="right">Score</th>` : "") + `</tr></thead>`,
    `<tbody>${rows.join("\n")}</tbody></table>`,
    `</article>`,
  ].join("\n");
}
