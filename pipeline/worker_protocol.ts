import type { Problem } from "../core/problem.ts";
import type { JobResult, WorkerMessage } from "./executor.ts";

/** Starts every line of the protocol, so that what a library prints is not taken for a message. */
const MARK = "\u001eballast ";

/**
 * A line from a worker: a message, the result, who one of several processes is or why it failed, what a
 * check found, or something a library printed.
 */
export type WorkerLine =
  | { readonly type: "message"; readonly message: WorkerMessage }
  | { readonly type: "result"; readonly result: JobResult }
  | { readonly type: "process"; readonly name: string; readonly pid: number }
  | { readonly type: "process-failed"; readonly error: string }
  | { readonly type: "checked"; readonly problems: readonly (readonly Problem[])[] }
  | { readonly type: "printed"; readonly text: string };

/** One line of the protocol, a line of its own also after text that was printed without a line end. */
export function encodeLine(line: Exclude<WorkerLine, { type: "printed" }>): string {
  return `\n${MARK}${JSON.stringify(line)}\n`;
}

/** Reads one line; what does not carry the mark, or is cut short, was printed. */
export function decodeLine(text: string): WorkerLine {
  if (!text.startsWith(MARK)) return { type: "printed", text };
  try {
    return JSON.parse(text.slice(MARK.length)) as WorkerLine;
  } catch {
    return { type: "printed", text };
  }
}
