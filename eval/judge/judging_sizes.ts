import type { JudgeTemplate } from "./template.ts";

/** What a judge is shown once, answers of the judged systems apart. */
export interface ShownItem {
  /** Which turn is judged, from 1. */
  readonly turn: number;
  readonly questions: readonly string[];
  readonly references: readonly string[] | null;
  readonly template: Pick<JudgeTemplate, "messages">;
}

/**
 * How much a judge reads of requests without their answers: mean bytes of the template, and of questions
 * and reference answers up to the judged turn, each once; and how many answers of a system each shows.
 */
export function judgingSizes(
  items: readonly ShownItem[],
): { readonly bytes: number; readonly answersShown: number } {
  const encoder = new TextEncoder();
  const size = (texts: readonly string[]) =>
    texts.reduce((sum, text) => sum + encoder.encode(text).length, 0);
  const bytes = items.map(({ turn, questions, references, template: { messages } }) =>
    size(messages.map(({ content }) => content)) + size(questions.slice(0, turn)) +
    size((references ?? []).slice(0, turn))
  );
  const mean = (values: readonly number[]) =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  return { bytes: mean(bytes), answersShown: mean(items.map(({ turn }) => turn)) };
}
