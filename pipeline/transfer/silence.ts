import { ExpectedError } from "../../core/problem.ts";

/** How long a source may be silent in the midst of an answer, in milliseconds. */
export const SILENT_MS = 60_000;

/** Nothing was heard of a source for too long; the same again may go on. */
export class SilenceError extends ExpectedError {}

/** What is waited for, and how long. */
export interface Patience {
  /** What it is called in messages. */
  readonly what: string;
  readonly silentMs: number;
  /** Lets go of what is waited for. */
  readonly giveUp: () => void;
}

/**
 * An answer, if it comes in time.
 *
 * @throws SilenceError for one that does not; what was waited for has been let go of
 */
export async function inTime<T>(
  answer: Promise<T>,
  { what, silentMs, giveUp }: Patience,
): Promise<T> {
  const silence = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    silence.reject(new SilenceError(`${what} was silent for ${silentMs / 1000} s.`));
    giveUp();
  }, silentMs);
  try {
    return await Promise.race([answer, silence.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** A stream, each of whose pieces must come in time after it was asked for. */
export function piecesInTime(
  stream: ReadableStream<Uint8Array>,
  patience: Patience,
): ReadableStream<Uint8Array> {
  const reader = stream.getReader();
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await inTime(reader.read(), patience);
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}
