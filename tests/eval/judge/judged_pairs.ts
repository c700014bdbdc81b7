import type { Protocol } from "../../../eval/judge/judge_items.ts";
import type { JudgedItem } from "../../../eval/judge/judged_item.ts";
import { countJudgments, type Judged, type Judgment } from "../../../eval/judge/judgment.ts";
import type { RequestBody } from "../../../eval/judge/request.ts";
import type { JudgeTemplate } from "../../../eval/judge/template.ts";
import { SAMPLING } from "./asking.ts";

const TEMPLATE: JudgeTemplate = {
  name: "pair",
  digest: "d".repeat(64),
  messages: [
    { role: "system", content: "Compare." },
    { role: "user", content: "Q: {question}\nA: {answer_a}\nB: {answer_b}" },
  ],
  slots: ["question", "answer_a", "answer_b"],
};

/** Pairs in both orders, judged by text. */
export const PAIRS: Protocol = {
  model: "judge",
  systems: ["base", "ours"],
  rule: { kind: "choice" },
  template: () => TEMPLATE,
  orders: "both",
  equalAnswers: "asked",
  seeds: [null],
  sampling: SAMPLING,
};

/** Items with the ids 1, 2, …; our answers are longer in every second one. */
export function pairItems(count: number): JudgedItem[] {
  return Array.from({ length: count }, (_, i) => ({
    id: String(i + 1),
    turn: 1,
    category: "test",
    questions: [`question ${i + 1}`],
    references: null,
    answers: [["short"], [i % 2 === 0 ? "quite a bit longer" : "no"]],
  }));
}

/** A judge who prefers the longer answer. */
export function preferLonger({ messages }: RequestBody): string {
  const [, a, b] = /\nA: (.*)\nB: (.*)$/s.exec(messages.at(-1)!.content)!;
  return `Looked at both.\n\nFinal verdict: [[${a.length >= b.length ? "A" : "B"}]]`;
}

/** Judgments of pairs: a list of values a pair, one an order; null for what could not be read. */
export function judgedPairs(
  pairs: readonly (readonly (number | null)[])[],
  own: Partial<Judged> = {},
): Judged {
  const judgments = pairs.flatMap((values, i) =>
    values.map((value, order): Judgment => ({
      ...{ id: String(i), turn: 1, swapped: order === 1, seed: null, template: "t", request: "r" },
      ...{ prompt: "", raw: "{}", value, reason: value === null ? "no verdict" : null },
      state: value === null ? "unparseable" : "scored",
    }))
  );
  const items = pairs.map((_, i) => ({
    ...{ id: String(i), turn: 1, category: null, questions: [`ask ${i}`], references: null },
    answers: [["theirs"], ["ours"]],
  }));
  return {
    ...{ kind: "pair", systems: ["base", "ours"], judge: "judge", templates: {} },
    rule: { kind: "choice" },
    ...{ coverage: countJudgments(judgments), items, judgments },
    ...own,
  };
}
