import type { RequestBody } from "../../../eval/judge/request.ts";

/** What an answer is instead of the right one. */
export type Mishap =
  | { readonly kind: "status"; readonly status: number; readonly headers?: Record<string, string> }
  | { readonly kind: "cut" | "nonsense" | "silent" | "trickle" }
  | { readonly kind: "slow"; readonly milliseconds: number };

/** A request as the server saw it. */
export interface Seen {
  /** The `Idempotency-Key`. */
  readonly digest: string;
  readonly authorization: string | null;
  readonly path: string;
  readonly body: RequestBody;
  /** Milliseconds since the page began. */
  readonly at: number;
  /** Whether it was answered with a completion. */
  answered: boolean;
}

/** A judge's answer: text, or probabilities of the first token. */
export type Answer = string | Readonly<Record<string, number>>;

/** A server on this machine that speaks the protocol of chat completions. */
export class FakeJudge implements AsyncDisposable {
  readonly seen: Seen[] = [];
  /** Most requests that were under way at once. */
  atOnce = 0;
  #now = 0;
  #server: Deno.HttpServer<Deno.NetAddr>;
  #hung = new AbortController();

  /**
   * @param answer what the judge says
   * @param mishap what happens instead, given how often this request was seen before
   */
  constructor(
    private readonly answer: (body: RequestBody) => Answer,
    private readonly mishap: (body: RequestBody, before: number) => Mishap | null = () => null,
  ) {
    const options = { hostname: "127.0.0.1", port: 0, onListen: () => {}, onError: failed };
    this.#server = Deno.serve(options, async (request) => {
      this.atOnce = Math.max(this.atOnce, ++this.#now);
      try {
        return await this.#respond(request);
      } finally {
        this.#now--;
      }
    });
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${this.#server.addr.port}/v1`;
  }

  /** How many requests of each digest were answered. */
  answers(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { digest, answered } of this.seen) {
      if (answered) counts.set(digest, (counts.get(digest) ?? 0) + 1);
    }
    return counts;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#hung.abort();
    await this.#server.shutdown();
  }

  async #respond(request: Request): Promise<Response> {
    const body: RequestBody = await request.json();
    const digest = request.headers.get("Idempotency-Key") ?? "";
    const before = this.seen.filter((seen) => seen.digest === digest).length;
    const seen = {
      digest,
      authorization: request.headers.get("Authorization"),
      path: new URL(request.url).pathname,
      body,
      at: performance.now(),
      answered: false,
    };
    this.seen.push(seen);
    const mishap = this.mishap(body, before);
    if (mishap?.kind === "status") {
      const text = JSON.stringify({ error: { message: "No.", type: "mishap" } });
      return new Response(text, { status: mishap.status, headers: mishap.headers });
    }
    if (mishap?.kind === "nonsense") return new Response("<html>Welcome!</html>");
    if (mishap?.kind === "silent") await wait(60_000, this.#hung.signal);
    if (mishap?.kind === "slow") await wait(mishap.milliseconds, this.#hung.signal);
    const text = JSON.stringify(completion(this.answer(body)));
    if (mishap?.kind === "cut" || mishap?.kind === "trickle") {
      return new Response(part(text, mishap.kind, this.#hung.signal), {
        headers: { "Content-Type": "application/json" },
      });
    }
    seen.answered = true;
    return new Response(text, { headers: { "Content-Type": "application/json" } });
  }
}

/** The JSON of a chat completion. */
export function completion(answer: Answer): Record<string, unknown> {
  const content = typeof answer === "string" ? answer : Object.keys(answer)[0] ?? "";
  const top = typeof answer === "string" ? [] : Object.entries(answer)
    .map(([token, probability]) => ({ token, logprob: Math.log(probability) }));
  return {
    id: "chatcmpl-1",
    object: "chat.completion",
    choices: [{
      index: 0,
      message: { role: "assistant", content },
      finish_reason: "stop",
      ...(top.length === 0 ? {} : { logprobs: { content: [{ ...top[0], top_logprobs: top }] } }),
    }],
    usage: { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110 },
  };
}

function part(text: string, kind: "cut" | "trickle", hung: AbortSignal): ReadableStream {
  const half = new TextEncoder().encode(text.slice(0, text.length / 2));
  return new ReadableStream({
    async start(controller) {
      controller.enqueue(half);
      await wait(kind === "cut" ? 5 : 60_000, hung);
      controller.error(new Error("cut"));
    },
  });
}

function wait(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}

function failed(): Response {
  return new Response(null, { status: 500 });
}
