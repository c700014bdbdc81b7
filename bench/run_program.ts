import { PROJECT_FOLDER } from "../cli/project.ts";
import { ExpectedError } from "../core/problem.ts";

/** Lines of a failed program's output that are worth showing. */
const TAIL = 25;

/** A program to measure. */
export interface Program {
  /** For messages. */
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Runs a program in the project's folder, to its end.
 *
 * @returns what it printed, and how long its process took
 * @throws ExpectedError with the end of what it printed when it fails
 */
export async function runProgram(
  { name, program, args, env = {} }: Program,
): Promise<{ stdout: string; seconds: number }> {
  const command = new Deno.Command(program, {
    args: [...args],
    cwd: PROJECT_FOLDER,
    env,
    stdout: "piped",
    stderr: "piped",
  });
  const start = performance.now();
  const { success, code, ...output } = await command.output();
  const seconds = (performance.now() - start) / 1000;
  const [stdout, stderr] = [output.stdout, output.stderr].map((bytes) =>
    new TextDecoder().decode(bytes)
  );
  if (success) return { stdout, seconds };
  const tail = `${stdout}\n${stderr}`.trimEnd().split("\n").slice(-TAIL).join("\n");
  throw new ExpectedError(`${name} failed (exit code ${code}):\n${tail}`);
}

/** The last line of a worker's output, which is its result as JSON. */
export function lastLine<Result>(stdout: string): Result {
  return JSON.parse(stdout.trimEnd().split("\n").at(-1) as string);
}
