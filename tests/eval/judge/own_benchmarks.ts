import type { RequestBody } from "../../../eval/judge/request.ts";
import type { Answer } from "./fake_judge.ts";

const jsonl = (rows: readonly unknown[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join("");

const WORDS = ["one", "two", "three", "four", "five", "six"];

/**
 * Files in the shapes of AlpacaEval's and MT-Bench's under their own names, with words of our own: two
 * questions of two turns, one of them with a reference answer; six instructions.
 */
export async function writeBenchmarks(folder: string): Promise<void> {
  const write = (name: string, text: string) => Deno.writeTextFile(`${folder}/${name}`, text);
  await write("base.json", JSON.stringify(modelOutputs("base", "short")));
  await write(
    "alpaca_eval_clf.txt",
    "<|im_start|>user\n{instruction}\nm: {output_1}\nM: {output_2}\n<|im_end|>\n",
  );
  await write(
    "difficulty.jsonl",
    jsonl(WORDS.map((word, index) => ({
      ...{ index, instruction: `Say ${word}`, difficulty: index / 5 - 0.5 },
    }))),
  );
  await write("reference_answer_gpt-4.jsonl", jsonl(modelAnswers("gpt", "right")));
  const questions = [[81, "writing"], [111, "math"]];
  await write(
    "question.jsonl",
    jsonl(questions.map(([question_id, category]) => ({
      ...{ question_id, category, turns: [`ask ${question_id}`, "and then?"] },
    }))),
  );
  await write("judge_prompts.jsonl", jsonl(judgePrompts()));
}

/** AlpacaEval's model outputs to our instructions. */
export function modelOutputs(generator: string, output: string) {
  return WORDS.map((word) => ({
    ...{ instruction: `Say ${word}`, output: `${output} ${word}`, generator, dataset: "own" },
  }));
}

/** FastChat's answers to our questions. */
export function modelAnswers(model_id: string, word: string) {
  return [81, 111].map((question_id) => ({
    ...{ question_id, answer_id: `${question_id}`, model_id, tstamp: 1 },
    choices: [{ index: 0, turns: [`${word} 1`, `${word} 2`] }],
  }));
}

function judgePrompts() {
  return ["pair-v2", "pair-math-v1", "single-v1", "single-math-v1"].flatMap((name) => {
    const [one, many] = name.startsWith("pair")
      ? ["A: {answer_a}\nB: {answer_b}", "A: {answer_a_1}{answer_a_2}\nB: {answer_b_1}{answer_b_2}"]
      : ["S: {answer}", "S: {answer_1} {answer_2}"];
    const reference = name.includes("math") ? "R: {ref_answer_1}\n" : "";
    const rows = [
      [name, `{question}\n${reference}${one}`],
      [`${name}-multi-turn`, `{question_2}\n${reference}${many}`],
    ];
    return rows.map(([name, prompt_template]) => ({
      ...{ name, system_prompt: "Judge.", prompt_template },
    }));
  });
}

/** A judge who prefers what is longer, by log-probs where AlpacaEval asks, and grades by length. */
export function longerIsBetter({ messages }: RequestBody): Answer {
  const text = messages.at(-1)!.content;
  const [, first, second] = /\n(?:m|A): (.*)\n(?:M|B): (.*)$/s.exec(text) ?? [];
  if (first === undefined) {
    const [, single] = /\nS: (.*)$/s.exec(text)!;
    return `Rating: [[${1 + Math.min(9, single.length)}]]`;
  }
  const better = Math.sign(first.length - second.length);
  if (text.includes("\nm: ")) return { m: 0.5 + 0.4 * better, M: 0.5 - 0.4 * better };
  return `[[${better > 0 ? "A" : better < 0 ? "B" : "C"}]]`;
}
