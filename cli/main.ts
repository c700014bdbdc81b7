import { CommanderError } from "./commander.ts";
import { ExpectedError, InputError } from "../core/problem.ts";
import { printNotice, ReaderGone } from "./output.ts";
import { program } from "./program.ts";

/** Exit codes of the command-line contract. */
const BAD_USAGE = 2;
const FAILED = 1;
/** As shells tell of a program that SIGPIPE ended. */
const READER_GONE = 141;

if (import.meta.main) {
  Deno.exitCode = await main(Deno.args);
}

/** Runs one command line; returns its exit code. */
export async function main(args: readonly string[]): Promise<number> {
  try {
    await program().parseAsync([...args], { from: "user" });
    return Deno.exitCode;
  } catch (error) {
    return report(error);
  }
}

function report(error: unknown): number {
  if (error instanceof ReaderGone) return READER_GONE;
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : BAD_USAGE;
  if (error instanceof InputError) {
    printNotice(`error: ${error.message}`);
    return BAD_USAGE;
  }
  if (error instanceof ExpectedError) {
    printNotice(`error: ${error.message}`);
    return FAILED;
  }
  printNotice(`error: ${error instanceof Error ? error.stack ?? error.message : String(error)}`);
  return FAILED;
}
