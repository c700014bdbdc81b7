import { jsonLines } from "../../core/json.ts";
import { type Annotation, annotationsJson } from "../alpaca_eval/annotations.ts";
import { type PairJudgment, type SingleJudgment, type Verdict } from "../mt_bench/judgments.ts";
import type { Question } from "../mt_bench/questions.ts";
import { readCompletion } from "./completion.ts";
import { itemKey, type JudgedItem } from "./judged_item.ts";
import type { Judged, Judgment } from "./judgment.ts";
import { pairCredit } from "./pair_credit.ts";

/**
 * Judgments of pairs as AlpacaEval keeps them, a row an item: the credits of a judge's seeds are averaged,
 * and the first answer stands in `raw_completion`; none for equal outputs that nobody was asked about, as in
 * the harness. Where not all judgments of an item are scored there is no preference.
 *
 * @throws RangeError for judgments of single answers
 */
export function alpacaRows(judged: Judged): Annotation[] {
  const [first, second] = twoSystems(judged);
  return byItem(judged).map(([item, judgments]) => {
    const bySeed = [...Map.groupBy(judgments, ({ seed }) => seed).values()];
    const credits = bySeed.flatMap((ofSeed) => pairCredit(ofSeed, judged.rule) ?? []);
    const isWhole = credits.length === bySeed.length;
    const mean = credits.reduce((sum, credit) => sum + credit, 0) / credits.length;
    const raw = judgments.find(({ raw }) => raw !== null)?.raw;
    return {
      instruction: item.questions[item.turn - 1],
      output_1: item.answers[0][item.turn - 1],
      generator_1: first,
      dataset: item.category,
      output_2: item.answers[1][item.turn - 1],
      generator_2: second,
      annotator: `${judged.judge}/${judgments[0].template}`,
      preference: isWhole ? 1 + mean : null,
      raw_completion: raw ? firstChoice(raw) : null,
    };
  });
}

/**
 * Judgments of pairs in both orders as FastChat keeps them, a row for each item and seed. An order that
 * was not asked for, or whose judgment is not scored, is an `error`.
 *
 * @throws RangeError for judgments of single answers
 */
export function fastChatPairs(judged: Judged): PairJudgment[] {
  const [model_1, model_2] = twoSystems(judged);
  return byItem(judged).flatMap(([{ id, turn }, judgments]) =>
    [...Map.groupBy(judgments, ({ seed }) => seed).values()].map((ofSeed) => {
      const g1 = ofSeed.find(({ swapped }) => !swapped);
      const g2 = ofSeed.find(({ swapped }) => swapped);
      return {
        question_id: questionId(id),
        model_1,
        model_2,
        g1_winner: winner(g1),
        g2_winner: winner(g2),
        judge: [judged.judge, ofSeed[0].template] as const,
        g1_user_prompt: g1?.prompt ?? "",
        g1_judgment: textOf(g1),
        g2_user_prompt: g2?.prompt ?? "",
        g2_judgment: textOf(g2),
        turn,
        ...seedOf(ofSeed[0]),
      };
    })
  );
}

/**
 * Judgments of single answers as FastChat keeps them, a row each.
 *
 * @throws RangeError for judgments of pairs
 */
export function fastChatSingles(judged: Judged): SingleJudgment[] {
  if (judged.kind !== "single") {
    throw new RangeError("Expected judgments of single answers but found pairs.");
  }
  return judged.judgments.map((judgment) => ({
    question_id: questionId(judgment.id),
    model: judged.systems[0],
    judge: [judged.judge, judgment.template] as const,
    user_prompt: judgment.prompt,
    judgment: textOf(judgment),
    score: judgment.value ?? -1,
    turn: judgment.turn,
    ...seedOf(judgment),
  }));
}

/** The questions of judgments as FastChat keeps them, a row each, with what a reference answers; those without a category left out. */
export function fastChatQuestions({ items }: Judged): Question[] {
  const byId = new Map(items.map((item) => [item.id, item]));
  return [...byId.values()].flatMap(({ id, category, questions, references }) =>
    category === null ? [] : {
      question_id: questionId(id),
      category,
      turns: questions,
      ...references && { reference: references },
    }
  );
}

/**
 * Writes judgments beside `writeJudged`'s files as the harnesses keep them: grades as
 * `mt_bench_single.jsonl`; pairs in both orders as `mt_bench_pair.jsonl`; of either the questions as
 * `mt_bench_question.jsonl`, where they have categories; and pairs as `annotations.json` where each item
 * is a first turn.
 */
export async function writeHarnessFiles(folder: string, judged: Judged): Promise<void> {
  const write = (name: string, text: string) => Deno.writeTextFile(`${folder}/${name}`, text);
  const writeQuestions = async () => {
    const questions = fastChatQuestions(judged);
    if (questions.length > 0) await write("mt_bench_question.jsonl", jsonLines(questions));
  };
  if (judged.kind === "single") {
    await writeQuestions();
    return await write("mt_bench_single.jsonl", jsonLines(fastChatSingles(judged)));
  }
  const bothOrders = byItem(judged).every(([, judgments]) =>
    [...Map.groupBy(judgments, ({ seed }) => seed).values()].every((ofSeed) => ofSeed.length > 1)
  );
  if (bothOrders) {
    await writeQuestions();
    await write("mt_bench_pair.jsonl", jsonLines(fastChatPairs(judged)));
  }
  if (judged.items.some(({ turn }) => turn > 1)) return;
  await write("annotations.json", annotationsJson(alpacaRows(judged)));
}

function twoSystems({ kind, systems }: Judged): readonly string[] {
  if (kind === "pair") return systems;
  throw new RangeError("Expected judgments of pairs but found single answers.");
}

function byItem({ items, judgments }: Judged): [JudgedItem, readonly Judgment[]][] {
  const groups = Map.groupBy(judgments, itemKey);
  return items.map((item) => [item, groups.get(itemKey(item)) ?? []]);
}

/** FastChat's files know no seeds: a column more, where the judge was given one. */
function seedOf({ seed }: Judgment): { readonly seed?: number } {
  return seed === null ? {} : { seed };
}

function winner(judgment: Judgment | undefined): Verdict {
  if (judgment === undefined || judgment.value === null) return "error";
  if (judgment.value === 0.5) return "tie";
  return judgment.value < 0.5 ? "model_1" : "model_2";
}

/** What the endpoint said, as it came; null for what is no completion. */
function firstChoice(raw: string): unknown {
  return readCompletion(raw) === null ? null : JSON.parse(raw).choices[0];
}

function textOf(judgment: Judgment | undefined): string {
  return judgment?.raw ? readCompletion(judgment.raw)?.text ?? "" : "";
}

/** FastChat's ids are numbers. */
function questionId(id: string): number | string {
  return /^[1-9]\d{0,14}$/.test(id) ? Number(id) : id;
}
