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

/** Waits for signs of life; one is due within `silentMs` of the last. */
export class Watch implements Disposable {
  /** Rejects with a SilenceError when none came; what was waited for has been let go of. */
  readonly silence: Promise<never>;
  readonly #tell: (error: SilenceError) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly patience: Patience) {
    const { promise, reject } = Promise.withResolvers<never>();
    promise.catch(() => {}); // it may come when nobody waits any more
    this.silence = promise;
    this.#tell = reject;
    this.heard();
  }

  /** Takes note of a sign of life. */
  heard(): void {
    const { what, silentMs, giveUp } = this.patience;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#tell(new SilenceError(`${what} was silent for ${silentMs / 1000} s.`));
      giveUp();
    }, silentMs);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}

/**
 * An answer, if it comes in time.
 *
 * @throws SilenceError for one that does not; what was waited for has been let go of
 */
export async function inTime<T>(answer: Promise<T>, patience: Patience): Promise<T> {
  using watch = new Watch(patience);
  return await Promise.race([answer, watch.silence]);
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
