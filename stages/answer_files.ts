import { join } from "node:path";
import { InputError, type Problem } from "../core/problem.ts";
import { pathParam } from "../pipeline/path_param.ts";
import type { InputArtifact } from "../pipeline/stage.ts";
import { templateParams } from "./judge_params.ts";

/** Parameters that name a benchmark's files, where they are not wired. */
export const PARAMETER_FILES = {
  answers: pathParam({
    kind: "file",
    describe: "The judged system's: AlpacaEval's model outputs, or FastChat's answers",
  }).optional(),
  baseline: pathParam({ kind: "file", describe: "Those of the system that pairs compare with" })
    .optional(),
  questions: pathParam({ kind: "file", describe: "MT-Bench's question.jsonl" }).optional(),
  references: pathParam({ kind: "file", describe: "MT-Bench's reference answers" }).optional(),
  template: templateParams.template.optional(),
};

/** Whose files are judged, and which are named. */
type NamedFiles =
  & { readonly benchmark: "alpaca-eval" | "mt-bench-pair" | "mt-bench-single" }
  & { readonly [Role in keyof typeof PARAMETER_FILES]?: string };

/** A benchmark's files, as paths: those that it needs. */
export interface AnswerFiles {
  readonly answers: string;
  readonly template: string;
  readonly baseline?: string;
  readonly questions?: string;
  readonly references?: string;
}

type Role = keyof AnswerFiles;

/** The files that each benchmark needs, and what they are. */
const NEEDED: Readonly<Record<NamedFiles["benchmark"], readonly Role[]>> = {
  "alpaca-eval": ["answers", "baseline", "template"],
  "mt-bench-pair": ["answers", "baseline", "questions", "references", "template"],
  "mt-bench-single": ["answers", "questions", "references", "template"],
};
const WHAT: Readonly<Record<Role, string>> = {
  answers: "a file of answers to judge",
  baseline: "a file of answers to compare with",
  questions: "MT-Bench's question.jsonl",
  references: "MT-Bench's file of reference answers",
  template: "a file with what the judge is asked",
};

/** The port that a file comes from, if it is wired. */
function portOf(
  role: Role,
  { benchmark }: NamedFiles,
  isWired: (port: string) => boolean,
): "answers" | "baseline" | "benchmark" | null {
  if (role === "answers" || role === "baseline") {
    if (isWired(role)) return role;
    if (role === "answers" || benchmark !== "alpaca-eval") return null;
  }
  return isWired("benchmark") ? "benchmark" : null;
}

/** What is wrong with what is named and what is wired: a file that is missing, or both. */
export function fileProblems(
  params: NamedFiles,
  inputs: Readonly<Record<string, readonly unknown[]>>,
): Problem[] {
  const needed = NEEDED[params.benchmark];
  const isWired = (port: string) => inputs[port].length > 0;
  const problems = needed.flatMap((role): Problem[] => {
    const port = portOf(role, params, isWired);
    const isNamed = params[role] !== undefined;
    if (isNamed && port === null || !isNamed && port !== null) return [];
    const message = port === null
      ? `Missing. Expected ${WHAT[role]}, or what gives it to be wired.`
      : `Expected no file, since ${port} is wired.`;
    return [{ path: role, message }];
  });
  if (needed.includes("baseline") || !isWired("baseline")) return problems;
  const message = "Expected mt-bench-pair, since a baseline is wired, but found mt-bench-single.";
  return [...problems, { path: "benchmark", message }];
}

/**
 * The files that a benchmark is judged by, from what is wired, else as named.
 *
 * @throws InputError when those of another benchmark are wired
 */
export async function answerFiles(
  params: NamedFiles,
  inputs: (port: string) => readonly InputArtifact[],
): Promise<AnswerFiles> {
  const { ANSWER_FILES, openBenchmark } = await import("../eval/benchmark.ts");
  const harness = params.benchmark === "alpaca-eval" ? "alpaca-eval" : "mt-bench";
  const [wired] = inputs("benchmark");
  const kept: Readonly<Record<string, string>> = wired
    ? await openBenchmark(wired.path)
    : { benchmark: harness };
  if (kept.benchmark !== harness) {
    const message = `Expected the files of ${harness} to be wired but found ${kept.benchmark}'s.`;
    throw new InputError([{ path: "benchmark", message }]);
  }
  const found = NEEDED[params.benchmark].map((role) => {
    const port = portOf(role, params, (port) => inputs(port).length > 0);
    if (port === null) return [role, params[role]];
    if (port === "benchmark") return [role, kept[role]];
    return [role, join(inputs(port)[0].path, ANSWER_FILES[harness])];
  });
  return Object.fromEntries(found);
}
