import { ExpectedError } from "../../core/problem.ts";
import type { ArtifactType } from "../../pipeline/artifact.ts";
import type { Store } from "../../pipeline/store/store.ts";
import { EventStreams } from "./event_streams.ts";
import { handleRequest } from "./handle_request.ts";
import { OneAtATime } from "./one_at_a_time.ts";
import { RunWatcher } from "./run_watch.ts";

/** What is served, and until when. */
export interface ServeUiOptions {
  readonly store: Store;
  readonly artifactTypes: ReadonlyMap<string, ArtifactType>;
  /** 0 for any that is free. */
  readonly port: number;
  /** Ends serving. */
  readonly signal: AbortSignal;
  /** Told of the port, once requests are answered. */
  readonly onReady: (port: number) => void;
  /** Told of failures that are nobody's mistake but ours. */
  readonly onFault: (error: unknown) => void;
}

/** The one address that is listened on. */
export const LOOPBACK = "127.0.0.1";

/** Event streams at a time, and comparisons that may wait. */
const MOST = { streams: 16, comparisons: 4 } as const;

/**
 * Answers the local pages until the signal aborts. It reads the store, writes nothing to it and
 * keeps nobody from it.
 *
 * @throws ExpectedError when the port is taken
 */
export async function serveUi(
  { store, artifactTypes, port, signal, onReady, onFault }: ServeUiOptions,
): Promise<void> {
  const context = {
    store,
    artifactTypes,
    onFault,
    watcher: new RunWatcher(store),
    streams: new EventStreams({
      most: MOST.streams,
      every: 1000,
      quiet: 15_000,
      stopping: signal,
    }),
    comparisons: new OneAtATime(MOST.comparisons),
    now: Date.now,
  };
  try {
    const server = Deno.serve(
      { hostname: LOOPBACK, port, signal, onListen: (address) => onReady(address.port) },
      (request) => handleRequest(request, context),
    );
    await server.finished;
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    throw new ExpectedError(
      `Port ${port} is in use. Choose another one with --port; 0 takes any that is free.`,
    );
  }
}
