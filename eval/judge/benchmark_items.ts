import { InputError, nearest, type Problem } from "../../core/problem.ts";
import type { JudgedItem } from "./judged_item.ts";
import { chooseTemplate, type JudgeTemplate } from "./template.ts";

/** What is read of FastChat's `question.jsonl`. */
interface MtBenchQuestion {
  readonly question_id: number | string;
  readonly category: string;
  readonly turns: readonly string[];
}

/** What is read of FastChat's `model_answer/MODEL.jsonl`, and of reference answers. */
interface MtBenchAnswer {
  readonly question_id: number | string;
  readonly choices: readonly { readonly turns: readonly string[] }[];
}

/** The categories whose answers are judged beside a reference answer. */
const REFERENCED: ReadonlySet<string> = new Set(["math", "reasoning", "coding"]);

/**
 * Items of MT-Bench, all first turns before all second ones, as FastChat asks.
 *
 * @param answers of one system, or of the baseline and the judged one
 * @throws InputError for each question without an answer, or a reference where it needs one
 */
export function mtBenchItems(
  { questions, answers, references }: {
    readonly questions: readonly MtBenchQuestion[];
    readonly answers: readonly (readonly MtBenchAnswer[])[];
    readonly references: readonly MtBenchAnswer[];
  },
): JudgedItem[] {
  const problems: Problem[] = [];
  const byId = (rows: readonly MtBenchAnswer[]) =>
    new Map(rows.map(({ question_id, choices }) => [question_id, choices[0].turns]));
  const [referenceOf, answerOf] = [byId(references), answers.map(byId)];
  const turnsOf = (
    turns: readonly string[] | undefined,
    question: MtBenchQuestion,
    what: string,
  ) => {
    if ((turns?.length ?? 0) >= question.turns.length) return turns!;
    problems.push({
      path: `question ${question.question_id}`,
      message: `Expected ${what} with ${question.turns.length} turns but found ${
        turns === undefined ? "none" : turns.length
      }.`,
    });
    return [];
  };
  const items = questions.map((question) => ({
    id: String(question.question_id),
    category: question.category,
    questions: question.turns,
    references: REFERENCED.has(question.category)
      ? turnsOf(referenceOf.get(question.question_id), question, "a reference answer")
      : null,
    answers: answerOf.map((of, i) =>
      turnsOf(of.get(question.question_id), question, `an answer of system ${i + 1}`)
    ),
  }));
  if (problems.length > 0) throw new InputError(problems);
  const most = Math.max(0, ...items.map(({ questions }) => questions.length));
  return Array.from({ length: most }, (_, i) => i + 1).flatMap((turn) =>
    items.filter(({ questions }) => questions.length >= turn).map((item) => ({ ...item, turn }))
  );
}

/**
 * FastChat's choice among its judge prompts: by turn, and by whether there is a reference answer.
 *
 * @throws InputError when the file lacks one of the four
 */
export function mtBenchTemplates(
  templates: ReadonlyMap<string, JudgeTemplate>,
  { kind, path }: { readonly kind: "pair" | "single"; readonly path: string },
): (item: JudgedItem) => JudgeTemplate {
  const choose = (name: string) => chooseTemplate(templates, { path, name });
  const base = { pair: ["pair-v2", "pair-math-v1"], single: ["single-v1", "single-math-v1"] }[kind];
  const [plain, referenced] = base.map((name) =>
    [name, `${name}-multi-turn`].map((name) => choose(name))
  );
  return ({ turn, references }) => (references === null ? plain : referenced)[turn === 1 ? 0 : 1];
}

/** What is read of AlpacaEval's model outputs. */
interface AlpacaOutput {
  readonly instruction: string;
  readonly output: string;
  readonly generator: string;
  readonly dataset?: unknown;
}

/**
 * Items of AlpacaEval, in the order of the judged outputs: the baseline's output to the same
 * instruction comes first.
 *
 * @throws InputError for each output whose instruction the baseline lacks, or that comes twice
 */
export function alpacaItems(
  outputs: readonly AlpacaOutput[],
  baseline: readonly AlpacaOutput[],
): JudgedItem[] {
  const known = new Map(baseline.map((row) => [row.instruction, row]));
  const problems: Problem[] = [];
  const seen = new Set<string>();
  const items = outputs.map(({ instruction, output }, i) => {
    const path = `output ${i + 1}`;
    const other = known.get(instruction);
    if (seen.has(instruction)) {
      problems.push({ path, message: "Expected each instruction once but found it twice." });
    } else if (other === undefined) {
      problems.push({
        path,
        message: "Expected an instruction of the baseline but found another one.",
        nearest: nearest(instruction, known.keys()),
      });
    }
    seen.add(instruction);
    return {
      id: instruction,
      turn: 1,
      category: typeof other?.dataset === "string" ? other.dataset : null,
      questions: [instruction],
      references: null,
      answers: [[other?.output ?? ""], [output]],
    };
  });
  if (problems.length > 0) throw new InputError(problems);
  return items;
}
