import PQueue from "p-queue";
import { ExpectedError, InputError } from "../../core/problem.ts";
import { handleRequest, type ServeContext } from "./handle_request.ts";

/** Milliseconds that clients have to take their last answers. */
const GRACE = 1000;

/** Where a server listens, and until when. */
export interface ServeOptions extends Omit<ServeContext, "queue" | "stopping"> {
  /** 0 for any that is free. */
  readonly port: number;
  /** Ends serving. */
  readonly signal: AbortSignal;
  /** Told of the port, once requests are answered. */
  readonly onReady: (port: number) => void;
}

/**
 * Answers requests until the signal aborts. Then no new ones are taken, those under way are given up
 * between two tokens, and their clients are told; when it returns, the model is idle.
 *
 * @throws ExpectedError when the port is taken
 * @throws InputError when the host is no address of this machine
 */
export async function serveModel(
  { host, port, signal, onReady, ...given }: ServeOptions,
): Promise<void> {
  const queue = new PQueue({ concurrency: 1 });
  const stopping = new AbortController();
  const context: ServeContext = { ...given, host, queue, stopping: stopping.signal };
  const server = listen({ host, port }, (request) => handleRequest(request, context));
  onReady(server.addr.port);
  if (!signal.aborted) {
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  }
  stopping.abort(new Error("The server is stopping."));
  await atMost(server.shutdown(), GRACE);
  await queue.onIdle();
}

function listen(
  { host, port }: Pick<ServeOptions, "host" | "port">,
  handler: (request: Request) => Promise<Response>,
): Deno.HttpServer<Deno.NetAddr> {
  try {
    return Deno.serve({ hostname: host, port, onListen: () => {} }, handler);
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) {
      throw new ExpectedError(
        `Port ${port} of ${host} is in use. Choose another one with --port; 0 takes any that is free.`,
      );
    }
    if (error instanceof Deno.errors.NotCapable || error instanceof TypeError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    const message = `Expected an address of this machine but found ${host}: ${reason}.`;
    throw new InputError([{ path: "host", message }]);
  }
}

/** Waits for a promise, but no longer than so many milliseconds. */
async function atMost(promise: Promise<unknown>, milliseconds: number): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, milliseconds);
  try {
    await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
