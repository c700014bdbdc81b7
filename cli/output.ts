import { visibleText } from "../core/visible_text.ts";
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

/** Writes a result as it is: what is read by a program, or was made fit to be shown. */
export function printVerbatim(text: string): void {
  writeAll(Deno.stdout, text.endsWith("\n") ? text : `${text}\n`);
}

/** Warnings and errors go to standard error, with acting characters written out. */
export function printNotice(text: string): void {
  const shown = visibleText(text, { keepLines: true });
  writeAll(Deno.stderr, shown.endsWith("\n") ? shown : `${shown}\n`);
}

/** Standard error as reporters write to it. */
export const noticeOutput: Writer = {
  write: (text) => writeAll(Deno.stderr, text),
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

function writeAll(stream: { writeSync(bytes: Uint8Array): number }, text: string): void {
  const bytes = new TextEncoder().encode(text);
  for (let sent = 0; sent < bytes.length;) sent += stream.writeSync(bytes.subarray(sent));
}

/** One line of progress on a terminal, drawn over the last; nothing elsewhere. */
export function showProgress({ done, total, unit, note }: Progress): void {
  if (!Deno.stderr.isTerminal()) return;
  const end = done === total ? "\n" : "";
  const figures = visibleText(note === undefined ? "" : `  ${note}`);
  writeAll(
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
