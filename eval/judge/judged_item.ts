import type { Slot } from "./template.ts";

/** What a judge is asked about: one turn of a conversation, with one answer or two. Untrusted text. */
export interface JudgedItem {
  /** With `turn` distinct among the items. */
  readonly id: string;
  /** From 1; the turn that is judged. */
  readonly turn: number;
  /** A category of MT-Bench, a data set of AlpacaEval; null for none. */
  readonly category: string | null;
  /** What the user said, a text a turn up to the judged one. */
  readonly questions: readonly string[];
  /** Reference answers, a text a turn; null where none are given. */
  readonly references: readonly string[] | null;
  /** By system (one, or the baseline's and the judged one's), a text a turn. */
  readonly answers: readonly (readonly string[])[];
}

/** What an item puts into a template's places; in the other order of its answers when swapped. */
export function slotValues(item: JudgedItem, swapped: boolean): Partial<Record<Slot, string>> {
  const { turn, questions, references } = item;
  const answers = swapped ? item.answers.toReversed() : item.answers;
  const values: Partial<Record<Slot, string>> = {};
  const put = (name: string, text: string | undefined) => {
    if (text !== undefined) values[name as Slot] = text;
  };
  const putTurns = (name: string, texts: readonly string[] | null) =>
    texts?.slice(0, turn).forEach((text, i) => put(`${name}_${i + 1}`, text));
  putTurns("question", questions);
  putTurns("ref_answer", references);
  if (answers.length === 1) {
    putTurns("answer", answers[0]);
    if (turn === 1) put("answer", answers[0][0]);
  } else {
    ["a", "b"].forEach((letter, i) => {
      putTurns(`answer_${letter}`, answers[i]);
      if (turn === 1) put(`answer_${letter}`, answers[i][0]);
      if (turn === 1) put(`output_${i + 1}`, answers[i][0]);
    });
  }
  if (turn === 1) { for (const name of ["question", "instruction"]) put(name, questions[0]); }
  return values;
}

const LABEL_LENGTH = 60;

/** `81`, or `81, turn 2`; the start of an id that is long. */
export function itemLabel({ id, turn }: Pick<JudgedItem, "id" | "turn">): string {
  const name = id.length > LABEL_LENGTH ? `${id.slice(0, LABEL_LENGTH)}…` : id;
  return turn === 1 ? name : `${name}, turn ${turn}`;
}

/** What tells an item from the others. */
export function itemKey({ id, turn }: Pick<JudgedItem, "id" | "turn">): string {
  return `${turn} ${id}`;
}
