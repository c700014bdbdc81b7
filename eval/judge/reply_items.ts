import { InputError, nearest, type Problem } from "../../core/problem.ts";
import { promptText, type ReplyRow } from "../reply_rows.ts";
import type { JudgedItem } from "./judged_item.ts";

/**
 * Items that ask about replies, each alone.
 *
 * @param replies a prompt of several messages is one text, every message after its role
 */
export function singleItems(replies: readonly ReplyRow[]): JudgedItem[] {
  return replies.map((row) => ({ ...questionOf(row), answers: [[row.text]] }));
}

/**
 * Items that ask about replies beside those of a baseline, which come first.
 *
 * @param baseline its replies to the same prompts, by id; null for the chosen replies of the data
 * @throws InputError for replies without their counterpart, or with one to another prompt
 */
export function pairedItems(
  replies: readonly ReplyRow[],
  baseline: readonly ReplyRow[] | null,
): JudgedItem[] {
  const byId = baseline && new Map(baseline.map((row) => [row.id, row]));
  const problems: Problem[] = [];
  const items = replies.map((row) => {
    const question = questionOf(row);
    const refuse = (message: string, near?: string) => {
      problems.push({ path: row.id, message, nearest: near });
      return "";
    };
    const other = byId?.get(row.id);
    let first;
    if (byId === null) {
      first = row.chosen ?? refuse("Expected a chosen reply to compare with but found none.");
    } else if (other === undefined) {
      first = refuse(
        "Expected a reply of the baseline but found none.",
        nearest(row.id, byId.keys()),
      );
    } else if (questionOf(other).questions[0] !== question.questions[0]) {
      first = refuse("Expected the baseline's reply to the same prompt but found another prompt.");
    } else first = other.text;
    return { ...question, answers: [[first], [row.text]] };
  });
  if (problems.length > 0) throw new InputError(problems);
  return items;
}

function questionOf({ id, prompt }: ReplyRow): Omit<JudgedItem, "answers"> {
  return { id, turn: 1, category: null, questions: [promptText(prompt)], references: null };
}
