/**
 * The process that serves the local pages: it may read the code and the store, and listen on one port of
 * the loopback; nothing else. It is told what to serve by one line of JSON on standard input, says where
 * it listens on standard output, and ends when its standard input does.
 */
import { ExpectedError } from "../../core/problem.ts";
import { TextLineStream } from "../../pipeline/text_lines.ts";
import { Store } from "../../pipeline/store/store.ts";
import { artifactTypes } from "../../stages/artifact_types.ts";
import { printNotice, printVerbatim } from "../output.ts";
import { serveUi } from "./serve_ui.ts";

/** What the process is told. */
export interface UiOrder {
  /** The store's folder. */
  readonly store: string;
  readonly port: number;
}

/** What the process says, once. */
export type UiAnswer = { readonly port: number } | { readonly error: string };

const ended = new AbortController();
const lines = Deno.stdin.readable.pipeThrough(new TextLineStream()).getReader();
const { store, port } = JSON.parse((await lines.read()).value ?? "{}") as UiOrder;
lines.read().then(() => ended.abort(), () => ended.abort());
const answer = (said: UiAnswer) => printVerbatim(JSON.stringify(said));
try {
  await serveUi({
    store: Store.open(store),
    artifactTypes,
    port,
    signal: ended.signal,
    onReady: (port) => answer({ port }),
    onFault: (error) => printNotice(error instanceof Error ? error.stack ?? "" : String(error)),
  });
} catch (error) {
  if (!(error instanceof ExpectedError)) throw error;
  answer({ error: error.message });
}
Deno.exit(0);
