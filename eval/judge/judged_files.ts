import { isFile } from "../../core/is_file.ts";
import { isRecord, jsonLines } from "../../core/json.ts";
import { collectProblems, InputError, refuseProblems } from "../../core/problem.ts";
import { readJsonRows } from "../../data/sources/json_rows.ts";
import { readText } from "../../data/sources/read_text.ts";
import { checkRows, RowFields } from "../../data/sources/row_fields.ts";
import { requireLines } from "../../data/sources/source_file.ts";
import { itemKey, itemLabel, type JudgedItem } from "./judged_item.ts";
import { countJudgments, type Judged, type Judgment } from "./judgment.ts";

/** Writes judgments into a folder: `summary.json`, and rows as `items.jsonl` and `judgments.jsonl`. */
export async function writeJudged(folder: string, judged: Judged): Promise<void> {
  const { items, judgments, ...summary } = judged;
  await Deno.writeTextFile(`${folder}/summary.json`, `${JSON.stringify(summary, null, 2)}\n`);
  await Deno.writeTextFile(`${folder}/items.jsonl`, jsonLines(items));
  await Deno.writeTextFile(`${folder}/judgments.jsonl`, jsonLines(judgments));
}

/** Whether a folder holds what `writeJudged` writes; judgments of others are files of their harnesses. */
export function holdsJudged(folder: string): Promise<boolean> {
  return isFile(`${folder}/summary.json`);
}

/**
 * Reads judgments as `writeJudged` left them.
 *
 * @throws InputError for a folder with judgments of others, or with every problem of its files
 */
export async function readJudged(folder: string): Promise<Judged> {
  if (!await holdsJudged(folder)) {
    const message = "Expected what a judge of ours said but found judgments of others.";
    throw new InputError([{ path: "judgments", message }]);
  }
  const path = `${folder}/judgments.jsonl`;
  const [summary, items, judgments] = await collectProblems<unknown>([
    () => readSummary(`${folder}/summary.json`),
    () => readRows(`${folder}/items.jsonl`, readItem),
    () => readRows(path, readJudgmentRow),
  ]) as [Summary, JudgedItem[], Judgment[]];
  requireItems(judgments, items, path);
  return { ...summary, coverage: countJudgments(judgments), items, judgments };
}

type Summary = Omit<Judged, "coverage" | "items" | "judgments">;

async function readSummary(path: string): Promise<Summary> {
  const text = await readText(path, "a judge's summary");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Told below, like JSON that is no record.
  }
  if (!isRecord(value)) {
    const message = "Expected a judge's summary, a JSON object, but found other text.";
    throw new InputError([{ path, message }]);
  }
  const fields = new RowFields(value, path);
  const summary = {
    kind: fields.choice("kind", ["pair", "single"]),
    systems: fields.texts("systems"),
    judge: fields.text("judge"),
    rule: readRule(fields),
    templates: readTemplates(fields),
  };
  const count = { pair: 2, single: 1 }[summary.kind];
  if (fields.problems.length === 0 && summary.systems.length !== count) {
    fields.refuse("systems", `${count === 1 ? "the name" : "names"} of ${count}`);
  }
  refuseProblems(fields.problems);
  return summary;
}

function readRule(fields: RowFields): Judged["rule"] {
  const rule = fields.value("rule");
  const { kind, tokens } = isRecord(rule) ? rule : {};
  const areTokens = Array.isArray(tokens) && tokens.length === 2 && tokens.every(isText);
  if (kind === "choice" || kind === "rating" || kind === "gold") return { kind };
  if (kind === "logprobs" && areTokens) return { kind, tokens: [tokens[0], tokens[1]] };
  fields.refuse("rule", "a record {kind}: choice, rating, gold, or logprobs with two tokens,");
  return { kind: "gold" };
}

function readTemplates(fields: RowFields): Judged["templates"] {
  const value = fields.value("templates");
  if (isRecord(value) && Object.values(value).every(isText)) return value as Judged["templates"];
  fields.refuse("templates", "a record of digests");
  return {};
}

/** The rows of a file, which may hold none. */
async function readRows<T>(path: string, read: (fields: RowFields) => T): Promise<T[]> {
  if (await isFile(path) && (await Deno.stat(path)).size === 0) return [];
  await requireLines(path, "a judge's rows");
  const rows = await Array.fromAsync(readJsonRows(path));
  return checkRows({ rows, where: (number) => `${path}:${number}` }, read);
}

function readItem(fields: RowFields): JudgedItem {
  const item = {
    ...readPlace(fields),
    category: orNull(fields, "category", () => fields.text("category")),
    questions: fields.texts("questions"),
    references: orNull(fields, "references", () => fields.texts("references")),
    answers: readAnswers(fields),
  };
  if (fields.problems.length === 0 && item.questions.length < item.turn) {
    fields.refuse("questions", `a text for each of ${item.turn} turns`);
  }
  return item;
}

function readAnswers(fields: RowFields): string[][] {
  const value = fields.value("answers");
  const isList = (list: unknown) => Array.isArray(list) && list.every(isText);
  if (Array.isArray(value) && value.every(isList)) return value;
  fields.refuse("answers", "a list of texts for each system");
  return [];
}

function readJudgmentRow(fields: RowFields): Judgment {
  const judgment = {
    ...readPlace(fields),
    swapped: fields.value("swapped") === true,
    seed: orNull(fields, "seed", () => fields.number("seed", { integer: true })),
    template: fields.text("template"),
    request: orNull(fields, "request", () => fields.text("request")),
    prompt: fields.text("prompt"),
    raw: orNull(fields, "raw", () => fields.text("raw")),
    state: fields.choice("state", ["scored", "unparseable", "failed"]),
    value: orNull(fields, "value", () => fields.number("value", { least: 0, most: 10 })),
    reason: orNull(fields, "reason", () => fields.text("reason")),
  };
  if (typeof fields.value("swapped") !== "boolean") fields.refuse("swapped", "true or false");
  if ((judgment.state === "scored") !== (judgment.value !== null)) {
    fields.refuse("value", "a number where the judgment is scored, and null elsewhere,");
  }
  return judgment;
}

/** What tells an item from the others. */
function readPlace(fields: RowFields): Pick<JudgedItem, "id" | "turn"> {
  return { id: fields.text("id"), turn: fields.number("turn", { least: 1, integer: true }) };
}

function requireItems(
  judgments: readonly Judgment[],
  items: readonly JudgedItem[],
  path: string,
): void {
  const known = new Set(items.map(itemKey));
  refuseProblems(
    judgments.filter((judgment) => !known.has(itemKey(judgment))).map((judgment) => ({
      path,
      message: `Expected judgments of what items.jsonl has but found "${itemLabel(judgment)}".`,
    })),
  );
}

function orNull<T>(fields: RowFields, key: string, read: () => T): T | null {
  return fields.value(key) === null ? null : read();
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}
