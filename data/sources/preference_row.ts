import { nearest } from "../../core/problem.ts";
import type { Message, PreferencePair } from "../pair.ts";
import {
  BadRow,
  firstDifference,
  kindOf,
  parseMessages,
  parsePrompt,
  type RowProblem,
  sameMessages,
  splitReply,
} from "./conversation.ts";

/** The row shapes that can be read, for error messages. */
export const KNOWN_SHAPES = "{prompt, chosen, rejected} of texts, or with lists of messages " +
  "{role, content} as replies, or {chosen, rejected} of whole conversations";

/** Columns that matter; all others are passed over. */
export const PAIR_COLUMNS = ["prompt", "chosen", "rejected"] as const;

/** Most bytes of a row: a longer one is no pair of texts that a model could read. */
export const MOST_ROW_BYTES = 16 << 20;

type Row = Required<Omit<PreferencePair, "id">>;

/**
 * A row of a data set as a pair, or what is wrong with it. Known are: three texts; TRL's and
 * UltraFeedback's conversational rows, whose `chosen` and `rejected` are lists of messages, with the
 * `prompt` a text, a list of messages, or absent (then `chosen` and `rejected` begin with it).
 *
 * A prompt of one user message becomes its text, so that the same pair is the same in every shape.
 *
 * @param columns all that were found, for the message of what is wrong
 */
export function parsePreferenceRow(
  row: Readonly<Record<string, unknown>>,
  columns: readonly string[] = Object.keys(row),
): Row | RowProblem {
  try {
    const pair = parse(row, columns);
    checkText(pair);
    return pair;
  } catch (error) {
    if (error instanceof BadRow) return error.problem;
    throw error;
  }
}

/** What is wrong with a set of columns as such; `null` when they may hold pairs. */
export function columnProblem(columns: readonly string[]): RowProblem | null {
  const missing = ["chosen", "rejected"].filter((name) => !columns.includes(name));
  if (missing.length === 0) return null;
  return unknownShape(columns, columns.some(isKnown) ? missing : PAIR_COLUMNS);
}

function unknownShape(columns: readonly string[], missing: readonly string[]): RowProblem {
  return {
    message: `Expected ${KNOWN_SHAPES}, but found columns ${shownColumns(columns)}; ` +
      `${missing.join(" and ")} missing.`,
    nearest: nearest(missing[0], columns.filter((name) => !isKnown(name))),
  };
}

/** Names of columns, as many and as much of each as a message can hold. */
export function shownColumns(columns: readonly string[]): string {
  if (columns.length === 0) return "(none)";
  const shown = columns.slice(0, MOST_NAMES)
    .map((name) => name.length > MOST_OF_NAME ? `${name.slice(0, MOST_OF_NAME)}…` : name);
  return shown.join(", ") + (columns.length > MOST_NAMES ? `, … (${columns.length})` : "");
}

const MOST_NAMES = 40;
const MOST_OF_NAME = 80;

function isKnown(name: string): boolean {
  return (PAIR_COLUMNS as readonly string[]).includes(name);
}

function parse(row: Readonly<Record<string, unknown>>, columns: readonly string[]): Row {
  const wrong = columnProblem(columns);
  if (wrong !== null) throw new BadRow(wrong);
  const { prompt, chosen, rejected } = row;
  if (typeof chosen === "string" && typeof rejected === "string") {
    if (!("prompt" in row)) throw new BadRow(unknownShape(columns, ["prompt"]));
    if (typeof prompt === "string") return { prompt, chosen, rejected };
  }
  if (Array.isArray(chosen) && Array.isArray(rejected)) {
    const given = promptOf(row);
    const whole = {
      chosen: parseMessages(chosen, "chosen"),
      rejected: parseMessages(rejected, "rejected"),
    };
    if (given !== undefined) return conversational(given, whole);
  }
  const kinds = columns.filter(isKnown).map((name) => `${name}: ${kindOf(row[name])}`);
  throw new BadRow({ message: `Expected ${KNOWN_SHAPES}, but found ${kinds.join(", ")}.` });
}

/** A text with half of a surrogate pair has no UTF-8: it would be another text once it was written. */
function checkText({ prompt, chosen, rejected }: Row): void {
  const prompts = typeof prompt === "string" ? [prompt] : prompt.map(({ content }) => content);
  for (
    const [column, texts] of Object.entries({
      prompt: prompts,
      chosen: [chosen],
      rejected: [rejected],
    })
  ) {
    const bad = texts.find((text) => !text.isWellFormed());
    if (bad === undefined) continue;
    const at = bad.search(/\p{Surrogate}/u);
    const found = bad.charCodeAt(at).toString(16);
    throw new BadRow({
      message:
        `Expected Unicode text in ${column} but found \\u${found}, half of a surrogate pair, at ` +
        `character ${at + 1}.`,
    });
  }
}

type GivenPrompt = string | readonly Message[] | null;

/** The column `prompt`; null where it is absent, undefined where it is neither text nor messages. */
function promptOf(row: Readonly<Record<string, unknown>>): GivenPrompt | undefined {
  if (!("prompt" in row)) return null;
  if (typeof row.prompt === "string") return row.prompt;
  return Array.isArray(row.prompt) ? parseMessages(row.prompt, "prompt") : undefined;
}

function conversational(
  given: GivenPrompt,
  whole: Readonly<Record<"chosen" | "rejected", readonly Message[]>>,
): Row {
  const chosen = splitReply(whole.chosen, "chosen");
  const rejected = splitReply(whole.rejected, "rejected");
  if (!sameMessages(chosen.prompt, rejected.prompt)) {
    const at = firstDifference(chosen.prompt, rejected.prompt);
    throw new BadRow({
      message:
        "Expected chosen and rejected to be the same conversation up to the last message but " +
        `found that they part ways at message ${at + 1}.`,
    });
  }
  const replies = { chosen: chosen.reply, rejected: rejected.reply };
  if (given === null) return { prompt: parsePrompt(chosen.prompt, "chosen"), ...replies };
  if (typeof given !== "string") {
    if (chosen.prompt.length > 0 && !sameMessages(chosen.prompt, given)) refusePrompt();
    return { prompt: parsePrompt(given, "prompt"), ...replies };
  }
  if (chosen.prompt.length === 0) return { prompt: given, ...replies };
  const said = chosen.prompt.some(({ role, content }) => role === "user" && content === given);
  if (!said) refusePrompt();
  return { prompt: parsePrompt(chosen.prompt, "chosen"), ...replies };
}

function refusePrompt(): never {
  throw new BadRow({
    message:
      "Expected the conversations to hold the prompt of the column prompt but found another.",
  });
}
