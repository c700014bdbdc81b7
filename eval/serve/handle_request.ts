import type PQueue from "p-queue";
import { foreignRequest, type OwnHost } from "../../core/own_host.ts";
import { nearest } from "../../core/problem.ts";
import { answerPrompts } from "./answer_prompts.ts";
import type { AnswerPart } from "./answer.ts";
import { type AnswerHead, type AnswerWriter, joinParts, usageBody } from "./answer_body.ts";
import { ApiError, asApiError, errorBody } from "./api_error.ts";
import type { ApiRequest, RequestContext } from "./api_request.ts";
import { chatWriter } from "./chat_body.ts";
import { readChatRequest } from "./chat_request.ts";
import { completionWriter } from "./completion_body.ts";
import { readCompletionRequest } from "./completion_request.ts";
import { readBody } from "./read_body.ts";

/** Requests that may wait for their turn. */
const MOST_WAITING = 256;

/** What requests are answered with. */
export interface ServeContext extends RequestContext, OwnHost {
  /** One at a time: the model has one decoder. */
  readonly queue: PQueue;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly newId: () => string;
  /** Aborted when the server is to stop: what is under way is given up between tokens. */
  readonly stopping: AbortSignal;
  /** Told of failures that are nobody's mistake but ours. */
  readonly onFault: (error: unknown) => void;
}

interface Endpoint {
  readonly read: (body: unknown, context: RequestContext) => ApiRequest;
  readonly writer: AnswerWriter;
}

const ENDPOINTS: Readonly<Record<string, Endpoint>> = {
  "/v1/completions": { read: readCompletionRequest, writer: completionWriter },
  "/v1/chat/completions": { read: readChatRequest, writer: chatWriter },
};

const MODELS = "/v1/models";

/** Answers one request; every failure is an answer, too, in OpenAI's form. */
export async function handleRequest(request: Request, context: ServeContext): Promise<Response> {
  try {
    const foreign = foreignRequest(request, context);
    if (foreign !== null) throw new ApiError(foreign, { status: 403 });
    const { pathname } = new URL(request.url);
    if (pathname === MODELS || pathname.startsWith(`${MODELS}/`)) {
      requireMethod(request, "GET");
      return Response.json(modelsBody(pathname, context));
    }
    const endpoint = Object.hasOwn(ENDPOINTS, pathname) ? ENDPOINTS[pathname] : undefined;
    if (endpoint === undefined) throw unknownPath(pathname);
    requireMethod(request, "POST");
    const asked = endpoint.read(await readBody(request), context);
    return await answer(asked, { request, context, writer: endpoint.writer });
  } catch (error) {
    return errorResponse(error, context);
  }
}

function requireMethod({ method }: Request, expected: string): void {
  if (method === expected) return;
  throw new ApiError(`Expected ${expected} but found ${method}.`, { status: 405 });
}

function unknownPath(path: string): ApiError {
  const known = [MODELS, ...Object.keys(ENDPOINTS)];
  const near = nearest(path, known);
  const hint = near === undefined ? "" : ` Did you mean "${near}"?`;
  return new ApiError(`Expected one of ${known.join(", ")} but found ${path}.${hint}`, {
    status: 404,
  });
}

function modelsBody(path: string, { model: { name }, now }: ServeContext): object {
  const model = { id: name, object: "model", created: seconds(now), owned_by: "ballast" };
  if (path === MODELS) return { object: "list", data: [model] };
  const asked = path.slice(MODELS.length + 1);
  if (asked === name || asked === encodeURIComponent(name)) return model;
  throw new ApiError(`Expected "${name}", which is served here, but found "${asked}".`, {
    status: 404,
    param: "model",
    code: "model_not_found",
  });
}

/** A request that is understood, and how it is answered. */
interface Asked {
  readonly request: Request;
  readonly context: ServeContext;
  readonly writer: AnswerWriter;
}

async function answer(asked: ApiRequest, how: Asked): Promise<Response> {
  const { context, request, writer } = how;
  if (context.queue.size >= MOST_WAITING) {
    throw new ApiError(`${MOST_WAITING} requests wait already; ask again later.`, { status: 429 });
  }
  const head: AnswerHead = {
    id: writer.idPrefix + context.newId(),
    created: seconds(context.now),
    model: context.model.name,
  };
  const headers: Record<string, string> = asked.seed === null
    ? {}
    : { "ballast-seed": String(asked.seed) };
  if (asked.stream) return streamAnswer(asked, { ...how, head, headers });
  const parts: AnswerPart[] = [];
  const signal = AbortSignal.any([hungUp(request), context.stopping]);
  const usage = await inTurn(asked, { context, signal, onPart: (part) => parts.push(part) });
  const { prompts, samples, logprobs } = asked.answer;
  const joined = { choices: prompts.length * samples, scored: logprobs !== null };
  const choices = joinParts(parts, joined).map(writer.choice);
  const body = { ...head, object: writer.object, choices, usage: usageBody(usage) };
  return Response.json(body, { headers });
}

/** Aborts when the client is gone: Deno watches a request's own signal only while somebody listens. */
function hungUp({ signal }: Request): AbortSignal {
  const gone = new AbortController();
  if (signal.aborted) gone.abort(signal.reason);
  signal.addEventListener("abort", () => gone.abort(signal.reason), { once: true });
  return gone.signal;
}

/** Answers when it is this request's turn; one that was given up meanwhile is not begun. */
function inTurn(
  { answer }: ApiRequest,
  { context: { model, queue }, ...watch }: {
    readonly context: ServeContext;
    readonly signal: AbortSignal;
    readonly onPart: (part: AnswerPart) => void;
  },
) {
  // Without the queue's own signal, at which the next would begin while this one still computes.
  return queue.add(async () => {
    watch.signal.throwIfAborted();
    return await answerPrompts(model, answer, watch);
  });
}

/** Server-sent events: a chunk a part, the usage where asked for, `[DONE]`. */
function streamAnswer(
  asked: ApiRequest,
  { request, context, writer, head, headers }: Asked & {
    readonly head: AnswerHead;
    readonly headers: Readonly<Record<string, string>>;
  },
): Response {
  const { prompts, samples, logprobs } = asked.answer;
  const gone = new AbortController();
  const signal = AbortSignal.any([hungUp(request), gone.signal, context.stopping]);
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    async start(controller) {
      const send = (data: string) => {
        if (!gone.signal.aborted) controller.enqueue(encoder.encode(`data: ${data}\n\n`));
      };
      const chunk = (choices: readonly object[], more: object = {}) =>
        send(JSON.stringify({ ...head, object: writer.chunkObject, choices, ...more }));
      const onPart = (part: AnswerPart) => chunk([writer.chunk(part, logprobs !== null)]);
      try {
        for (const choice of writer.begin(prompts.length * samples)) chunk([choice]);
        const usage = await inTurn(asked, { context, signal, onPart });
        if (asked.streamsUsage) chunk([], { usage: usageBody(usage) });
        send("[DONE]");
      } catch (error) {
        send(JSON.stringify(errorBody(understand(error, context))));
      }
      if (!gone.signal.aborted) controller.close();
    },
    cancel() {
      gone.abort(new DOMException("The client hung up.", "AbortError"));
    },
  });
  const type = { "content-type": "text/event-stream", "cache-control": "no-cache" };
  return new Response(body, { headers: { ...headers, ...type } });
}

function errorResponse(error: unknown, context: ServeContext): Response {
  const understood = understand(error, context);
  return Response.json(errorBody(understood), { status: understood.status });
}

/** A failure as the client may see it; those that are ours are told to the server's log. */
function understand(error: unknown, { stopping, onFault }: ServeContext): ApiError {
  if (stopping.aborted && error === stopping.reason) {
    return new ApiError("The server is stopping.", { status: 503 });
  }
  const understood = asApiError(error);
  // What a client that hung up makes of its own request is no fault.
  const isAbort = error instanceof DOMException && error.name === "AbortError";
  if (understood.status >= 500 && !isAbort) onFault(error);
  return understood;
}

function seconds(now: () => number): number {
  return Math.floor(now() / 1000);
}
