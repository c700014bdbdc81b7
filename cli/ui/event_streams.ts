import { setTimeout as delay } from "node:timers/promises";
import { COMMON_HEADERS, type Parts } from "./page.ts";

/** A page as it is now. */
export interface Look {
  readonly parts: Parts;
  /** Nothing will change any more. */
  readonly over: boolean;
}

/** How pages are kept current. */
export interface StreamOptions {
  /** Streams at a time, at most. */
  readonly most: number;
  /** Milliseconds between two looks. */
  readonly every: number;
  /** Milliseconds after which a stream without news says that it is still there. */
  readonly quiet: number;
  /** Ends every stream. */
  readonly stopping: AbortSignal;
}

/**
 * Server-sent events that keep pages current. A stream looks again when its reader has taken what it
 * said last, and sends the parts that have changed since: a reader that is slow, or takes nothing, costs
 * one message and never a queue.
 */
export class EventStreams {
  #open = 0;

  constructor(readonly options: StreamOptions) {}

  /** Streams that are open. */
  get open(): number {
    return this.#open;
  }

  /** A stream of what `look` sees; null when there are as many as there may be. */
  answer(request: Request, look: () => Promise<Look>): Response | null {
    if (this.#open >= this.options.most) return null;
    const gone = new AbortController();
    this.#open++;
    gone.signal.addEventListener("abort", () => this.#open--, { once: true });
    request.signal.addEventListener("abort", () => gone.abort(), { once: true });
    const signal = AbortSignal.any([gone.signal, this.options.stopping]);
    const messages = this.#messages(look, signal);
    const encoder = new TextEncoder();
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        const { done, value } = await messages.next().catch((error) => {
          gone.abort();
          throw error;
        });
        if (!done) return controller.enqueue(encoder.encode(value));
        gone.abort();
        controller.close();
      },
      cancel: () => gone.abort(),
    }, { highWaterMark: 0 });
    const type = { "content-type": "text/event-stream; charset=utf-8" };
    return new Response(body, { headers: { ...COMMON_HEADERS, ...type } });
  }

  async *#messages(look: () => Promise<Look>, signal: AbortSignal): AsyncGenerator<string, void> {
    const { every, quiet } = this.options;
    const sent = new Map<string, string>();
    for (let silent = 0; !signal.aborted; silent += every) {
      const { parts, over } = await look();
      const news = Object.entries(parts).filter(([part, { text }]) => sent.get(part) !== text);
      for (const [part, { text }] of news) sent.set(part, text);
      if (news.length > 0 || silent >= quiet) {
        silent = 0;
        yield news.length === 0 ? ": nothing new\n\n" : news.map(message).join("");
      }
      if (over) return yield "event: end\ndata: \n\n";
      await delay(every, undefined, { signal }).catch(() => {}); // ended: seen above
    }
  }
}

/** The part as a message; JSON has no line ends, which would end it. */
function message([part, { text }]: [string, { text: string }]): string {
  return `data: ${JSON.stringify({ part, html: text })}\n\n`;
}
