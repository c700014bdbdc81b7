import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Json } from "../core/json.ts";
import { ExpectedError, InputError, type Problem } from "../core/problem.ts";
import { listed } from "./executors/local.ts";
import { workerEnvironment } from "./executors/worker_environment.ts";
import { type FoundProblem, unique } from "./expand.ts";
import type { Instance } from "./instance.ts";
import type { RecipeSource } from "./recipe.ts";
import { splitPath } from "./split_path.ts";
import type { Stage } from "./stage.ts";
import { decodeLine } from "./worker_protocol.ts";

/** A stage as the process that checks it is told of it. */
export interface StageToCheck {
  /** URL of the module that exports the stage. */
  readonly module: string;
  readonly stage: string;
  readonly params: Json;
}

/** A stage with parameters, some of which may name modules. */
export type StageWithModules = Pick<Instance, "params" | "paths" | "modules"> & {
  readonly stage: Stage;
};

/** How modules are checked on this machine. */
export interface CheckOptions {
  /** The Deno executable. */
  readonly deno: string;
  readonly projectFolder: string;
  /** The folders below it that hold code. */
  readonly codeFolders: readonly string[];
  /** Milliseconds until a check is given up: what a module does may never end. 60,000 unless given. */
  readonly limit?: number;
}

const LIMIT = 60_000;

/**
 * Checks the modules that the parameters of instances name, before anything runs.
 *
 * @throws InputError with every problem found
 */
export async function checkInstances(
  instances: readonly Instance[],
  source: RecipeSource,
  options: CheckOptions,
): Promise<void> {
  const found = await checkModules(instances, options);
  const problems = instances.flatMap(({ id, entry }, i): FoundProblem[] =>
    found[i].map((problem) => ({
      ...problem,
      path: source.locate(["stages", entry, "params", ...splitPath(problem.path)]),
      instance: id === entry ? undefined : id,
    }))
  );
  if (problems.length === 0) return;
  throw new InputError(unique(problems), `The recipe ${source.path} has problems`);
}

/**
 * What is wrong with the modules that parameters name, for each stage: what they import, and what the
 * stage itself says of them. Costs nothing where no parameter names one.
 *
 * @throws ExpectedError when the process that looks at them fails, or is not done in time
 */
export async function checkModules(
  stages: readonly StageWithModules[],
  options: CheckOptions,
): Promise<readonly (readonly Problem[])[]> {
  const problems = await Promise.all(stages.map(importProblems));
  const rest = stages.flatMap((one, i) =>
    problems[i].length === 0 && Object.keys(one.modules).length > 0 ? [i] : []
  );
  if (rest.length === 0) return problems;
  const answers = await askStages(rest.map((i) => stages[i]), options);
  rest.forEach((index, i) => problems[index] = [...answers[i]]);
  return problems;
}

async function importProblems({ paths, modules }: StageWithModules): Promise<Problem[]> {
  if (Object.keys(modules).length === 0) return [];
  const { moduleProblems } = await import("./module_source.ts");
  return Object.entries(modules).flatMap(([path, allowed]) =>
    moduleProblems(Deno.readTextFileSync(paths[path]), allowed).map((message) => ({
      path,
      message: `${paths[path]}: ${message}`,
    }))
  );
}

async function askStages(
  stages: readonly StageWithModules[],
  { deno, projectFolder, codeFolders, limit = LIMIT }: CheckOptions,
): Promise<readonly (readonly Problem[])[]> {
  const files = [
    ...new Set(stages.flatMap(({ modules, paths }) => Object.keys(modules).map((k) => paths[k]))),
  ];
  const code = [...codeFolders, "node_modules"].map((name) => join(projectFolder, name));
  const read = [...code, ...files].map(listed);
  const worker = fileURLToPath(new URL("./check_worker.ts", import.meta.url));
  const child = new Deno.Command(deno, {
    args: ["run", "--no-prompt", "--cached-only", `--allow-read=${read}`, worker],
    cwd: projectFolder,
    clearEnv: true,
    env: workerEnvironment({}),
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const asked: StageToCheck[] = stages.map(({ stage: { module, name }, params }) => ({
    module,
    stage: name,
    params,
  }));
  const answer = await withinLimit(child, JSON.stringify(asked), limit);
  if (answer === null) {
    throw new ExpectedError(
      `${files.join(", ")} could not be checked: not done after ${limit / 1000} s.`,
    );
  }
  const { stdout, stderr } = answer;
  const decoder = new TextDecoder();
  for (const line of decoder.decode(stdout).split("\n")) {
    const decoded = decodeLine(line);
    if (decoded.type === "checked") return decoded.problems;
  }
  throw new ExpectedError(
    `${files.join(", ")} could not be checked: ${decoder.decode(stderr).trim()}`,
  );
}

/** What a process prints when it is told something; null when it had to be killed first. */
async function withinLimit(
  child: Deno.ChildProcess,
  input: string,
  limit: number,
): Promise<Deno.CommandOutput | null> {
  let isLate = false;
  const timer = setTimeout(() => {
    try {
      child.kill("SIGKILL"); // a module can listen for every other signal
      isLate = true;
    } catch {
      // It has ended in this very moment.
    }
  }, limit);
  try {
    const output = child.output();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(input)).catch(() => {});
    await writer.close().catch(() => {});
    const answer = await output;
    return isLate ? null : answer;
  } finally {
    clearTimeout(timer);
  }
}
