import { basename, join } from "node:path";
import { digestJson } from "../core/digest.ts";
import { canonicalJson, jsonLines } from "../core/json.ts";
import { collectProblems } from "../core/problem.ts";
import { modelOutputsJson, readModelOutputs } from "./alpaca_eval/model_outputs.ts";
import type { Conversation } from "./converse.ts";
import { alpacaItems, mtBenchItems, mtBenchTemplates } from "./judge/benchmark_items.ts";
import { judgingSizes } from "./judge/judging_sizes.ts";
import { chooseTemplate, readJudgeTemplates } from "./judge/template.ts";
import { readAnswers } from "./mt_bench/answers.ts";
import { readQuestions } from "./mt_bench/questions.ts";

/** The files that a benchmark is asked and judged with, as paths. */
export type BenchmarkFiles =
  | {
    readonly benchmark: "alpaca-eval";
    /** Model outputs of the system that all are compared with; their instructions are what is asked. */
    readonly baseline: string;
    readonly template: string;
  }
  | {
    readonly benchmark: "mt-bench";
    readonly questions: string;
    readonly references: string;
    readonly template: string;
  };

/** Where a model's answers to a benchmark are kept, in the harness's own form. */
export const ANSWER_FILES = {
  "alpaca-eval": "model_outputs.json",
  "mt-bench": "model_answer.jsonl",
} as const satisfies Readonly<Record<BenchmarkFiles["benchmark"], string>>;

/**
 * Checks a benchmark's files row by row and copies them into a folder.
 *
 * @param files paths within `from`
 * @param into an empty folder
 * @throws InputError with the problems of every file: missing, of another kind, with bad rows
 */
export async function keepBenchmark(
  files: BenchmarkFiles,
  { from, into }: { readonly from: string; readonly into: string },
): Promise<void> {
  await checkFiles(benchmarkIn(files, from));
  const { benchmark, ...roles } = files;
  const kept: Record<string, string> = { benchmark };
  for (const [role, name] of Object.entries(roles)) {
    // In a folder by its role: a template is called as its file is.
    kept[role] = join(role, basename(name));
    await Deno.mkdir(join(into, role));
    await Deno.writeFile(join(into, kept[role]), await Deno.readFile(join(from, name)));
  }
  await Deno.writeTextFile(join(into, INDEX), `${canonicalJson(kept)}\n`);
}

const INDEX = "benchmark.json";

/** The files in a folder, as `keepBenchmark` left them. */
export async function openBenchmark(folder: string): Promise<BenchmarkFiles> {
  return benchmarkIn(JSON.parse(await Deno.readTextFile(join(folder, INDEX))), folder);
}

/** What a benchmark asks: an instruction of AlpacaEval, a question of MT-Bench with its turns. */
export async function readConversations(
  files: BenchmarkFiles,
): Promise<(Conversation & { readonly opening: string })[]> {
  if (files.benchmark === "alpaca-eval") {
    return (await readModelOutputs(files.baseline)).map(({ instruction, dataset }, i) => ({
      id: `instruction ${i + 1}`,
      category: typeof dataset === "string" ? dataset : null,
      opening: instruction,
      followUps: [],
    }));
  }
  return (await readQuestions(files.questions)).map((
    { question_id, category, turns: [opening, ...rest] },
  ) => ({
    id: String(question_id),
    category,
    opening,
    followUps: rest,
  }));
}

/**
 * Writes answers as the benchmark's harness keeps them. They hold no time, so that equal answers are
 * equal files.
 *
 * @param answers by conversation, from the first, a text a turn
 * @param system the model's name
 */
export async function writeAnswers(
  folder: string,
  files: BenchmarkFiles,
  { answers, system }: {
    readonly answers: readonly (readonly string[])[];
    readonly system: string;
  },
): Promise<void> {
  const text = files.benchmark === "alpaca-eval"
    ? modelOutputsJson(
      (await readModelOutputs(files.baseline)).slice(0, answers.length)
        .map(({ dataset, instruction }, i) => ({
          ...{ dataset, instruction, output: answers[i][0], generator: system },
        })),
    )
    : jsonLines(
      (await readQuestions(files.questions)).slice(0, answers.length).map(({ question_id }, i) => ({
        question_id,
        answer_id: digestJson({ system, question_id, answers: answers[i] }).slice(0, 22),
        model_id: system,
        choices: [{ index: 0, turns: answers[i] }],
        tstamp: 0,
      })),
    );
  await Deno.writeTextFile(join(folder, ANSWER_FILES[files.benchmark]), text);
}

/**
 * How much a benchmark asks of a model, and of its judge beside the model's answers: `questions`
 * (conversations), `prompts` (replies, all turns together) and the mean `promptCharacters` that the user
 * says before each; of a judge's request the mean `pairBytes` without answers (of MT-Bench also
 * `gradeBytes`, of answers by themselves) and how many answers of a system it shows (`answersShown`); of
 * AlpacaEval the `baselineBytes` of an answer of the baseline.
 */
export async function measureBenchmark(
  files: BenchmarkFiles,
): Promise<Readonly<Record<string, number>>> {
  const conversations = await readConversations(files);
  const turns = conversations.flatMap(({ opening, followUps }) =>
    followUps.reduce((said, next) => [...said, said.at(-1)! + next.length], [opening.length])
  );
  const characters = turns.reduce((sum, each) => sum + each, 0);
  return {
    questions: conversations.length,
    prompts: turns.length,
    promptCharacters: characters / turns.length,
    ...await measureJudging(files),
  };
}

async function measureJudging(files: BenchmarkFiles): Promise<Record<string, number>> {
  const { template: path } = files;
  const templates = await readJudgeTemplates(path);
  if (files.benchmark === "alpaca-eval") {
    const outputs = await readModelOutputs(files.baseline);
    const template = chooseTemplate(templates, { path });
    const { bytes, answersShown } = judgingSizes(outputs.map(({ instruction }) => ({
      ...{ turn: 1, questions: [instruction], references: null, template },
    })));
    const baseline = outputs.map(({ output }) => new TextEncoder().encode(output).length);
    const baselineBytes = baseline.reduce((sum, each) => sum + each, 0) / baseline.length;
    return { pairBytes: bytes, answersShown, baselineBytes };
  }
  const items = mtBenchItems({
    questions: await readQuestions(files.questions),
    references: await readAnswers(files.references),
    answers: [],
  });
  const sizesOf = (kind: "pair" | "single") => {
    const templateOf = mtBenchTemplates(templates, { kind, path });
    return judgingSizes(items.map((item) => ({ ...item, template: templateOf(item) })));
  };
  const { bytes: pairBytes, answersShown } = sizesOf("pair");
  return { pairBytes, gradeBytes: sizesOf("single").bytes, answersShown };
}

/** Files that are named within a folder. */
export function benchmarkIn<Files extends BenchmarkFiles>(files: Files, folder: string): Files {
  const { benchmark, ...roles } = files;
  const paths = Object.entries(roles).map(([role, name]) => [role, join(folder, name)]);
  return { benchmark, ...Object.fromEntries(paths) } as Files;
}

async function checkFiles(files: BenchmarkFiles): Promise<void> {
  const { template: path } = files;
  const checks = files.benchmark === "alpaca-eval"
    ? [
      async () => {
        const baseline = await readModelOutputs(files.baseline);
        alpacaItems(baseline, baseline);
      },
      async () => void chooseTemplate(await readJudgeTemplates(path), { path }),
    ]
    : [
      async () => void await readQuestions(files.questions),
      async () => void await readAnswers(files.references),
      async () => {
        const templates = await readJudgeTemplates(path);
        for (const kind of ["pair", "single"] as const) mtBenchTemplates(templates, { kind, path });
      },
    ];
  await collectProblems<void>(checks);
}
