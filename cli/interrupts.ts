import { printNotice } from "./output.ts";

/** The exit code of an interrupted command. */
export const INTERRUPTED = 130;

/** Ctrl-C as two signals: the first asks to stop, the second ends at once. */
export interface Interrupts extends Disposable {
  readonly stop: AbortSignal;
  readonly kill: AbortSignal;
}

const STOPPING =
  "Stopping: stages under way save what they can. Press Ctrl-C again to end at once.";

/**
 * Listens for SIGINT and SIGTERM until disposed of.
 *
 * @param stopping what is said at the first
 */
export function listenForInterrupts(stopping = STOPPING): Interrupts {
  const stop = new AbortController();
  const kill = new AbortController();
  const onSignal = () => {
    if (stop.signal.aborted) kill.abort();
    else {
      printNotice(`\n${stopping}`);
      stop.abort();
    }
  };
  const signals: Deno.Signal[] = ["SIGINT", "SIGTERM"];
  for (const signal of signals) Deno.addSignalListener(signal, onSignal);
  return {
    stop: stop.signal,
    kill: kill.signal,
    [Symbol.dispose]: () => {
      for (const signal of signals) Deno.removeSignalListener(signal, onSignal);
    },
  };
}
