import { visibleText } from "../core/visible_text.ts";
import { writeAllSync } from "../core/write_atomically.ts";
import type { Clock } from "../pipeline/reporters/terminal.ts";
import type { Writer } from "../pipeline/reporters/output.ts";
import type { Progress } from "../pipeline/stage.ts";

/**
 * Writes a result for a person: standard output holds nothing else. Characters that would act on the
 * terminal, from a store or a recipe, are written out.
 */
export function printResult(text: string): void {
  printVerbatim(visibleText(text, { keepLines: true }));
}

/** Prints one JSON document on standard output. */
export function printJson(value: unknown): void {
  printVerbatim(JSON.stringify(value, null, 2));
}

/** Whoever read standard output has read enough, as `head` does. */
export class ReaderGone extends Error {}

/**
 * Writes a result as it is: what is read by a program, or was made fit to be shown.
 *
 * @throws ReaderGone when nobody reads it any longer
 */
export function printVerbatim(text: string): void {
  try {
    writeText(Deno.stdout, text.endsWith("\n") ? text : `${text}\n`);
  } catch (error) {
    throw error instanceof Deno.errors.BrokenPipe ? new ReaderGone() : error;
  }
}

/** Warnings and errors go to standard error, with acting characters written out. */
export function printNotice(text: string): void {
  const shown = visibleText(text, { keepLines: true });
  writeText(Deno.stderr, shown.endsWith("\n") ? shown : `${shown}\n`);
}

/** Standard error as reporters write to it. */
export const noticeOutput: Writer = {
  write: (text) => writeText(Deno.stderr, text),
  columns: () => {
    try {
      return Deno.consoleSize().columns;
    } catch {
      return 100;
    }
  },
};

/** Colour is used on a terminal, unless NO_COLOR says otherwise. */
export function wantsColour(): boolean {
  return Deno.stderr.isTerminal() && (Deno.env.get("NO_COLOR") ?? "") === "";
}

function writeText(stream: { writeSync(bytes: Uint8Array): number }, text: string): void {
  writeAllSync(stream, new TextEncoder().encode(text));
}

/** One line of progress on a terminal, drawn over the last; nothing elsewhere. */
export function showProgress({ done, total, unit, note }: Progress): void {
  if (!Deno.stderr.isTerminal()) return;
  const end = done === total ? "\n" : "";
  const figures = visibleText(note === undefined ? "" : `  ${note}`);
  writeText(
    Deno.stderr,
    `\r\u001b[K${unit} ${done}/${total}${figures}${end}`,
  );
}

/** The time, and a timer that does not keep the process alive. */
export const systemClock: Clock = {
  now: Date.now,
  every: (milliseconds, action) => {
    const timer = setInterval(action, milliseconds);
    Deno.unrefTimer(timer);
    return () => clearInterval(timer);
  },
};
