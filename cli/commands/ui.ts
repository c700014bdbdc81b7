import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ExpectedError } from "../../core/problem.ts";
import { listed, nativeFolders } from "../../pipeline/executors/local.ts";
import { TextLineStream } from "../../pipeline/text_lines.ts";
import { INTERRUPTED, listenForInterrupts } from "../interrupts.ts";
import { openInBrowser } from "../open_in_browser.ts";
import { printNotice, printResult, printVerbatim } from "../output.ts";
import { CODE } from "../project.ts";
import { openStore } from "../session.ts";
import { LOOPBACK } from "../ui/serve_ui.ts";
import type { UiAnswer, UiOrder } from "../ui/ui_process.ts";

/** Options of `ballast ui`. */
export interface UiOptions {
  /** 0 for any that is free. */
  readonly port: number;
  readonly open: boolean;
  readonly store?: string;
  readonly json: boolean;
}

/** Serves the local pages until it is interrupted; returns the exit code. */
export async function ui({ port, open, store: path, json }: UiOptions): Promise<number> {
  const store = linksFollowed(openStore(path).path);
  using interrupts = listenForInterrupts("Stopping.");
  const child = start({ store, port });
  const stop = () => child.kill("SIGTERM");
  interrupts.stop.addEventListener("abort", stop);
  const lines = child.stdout.pipeThrough(new TextLineStream()).getReader();
  const { value: line } = await lines.read();
  if (interrupts.stop.aborted) {
    await child.status;
    return INTERRUPTED;
  }
  if (line === undefined) throw new ExpectedError("The pages' process ended before it was ready.");
  const answer = JSON.parse(line) as UiAnswer;
  if ("error" in answer) throw new ExpectedError(answer.error);
  const address = `http://${LOOPBACK}:${answer.port}/`;
  if (json) printVerbatim(JSON.stringify({ address, store }));
  else printResult(`The runs of ${store} are at ${address} until Ctrl-C.`);
  const problem = open ? await openInBrowser(address) : null;
  if (problem !== null) printNotice(`It was not opened: ${problem}. Open that address yourself.`);
  const { code } = await child.status;
  return interrupts.stop.aborted ? INTERRUPTED : code;
}

/**
 * What the process that serves may do: read code and store, listen on the port, load DuckDB for
 * comparisons; nothing else.
 *
 * @throws ExpectedError when the store's path cannot be written as a permission
 */
export function uiPermissions(order: UiOrder): string[] {
  const { projectFolder, codeFolders } = CODE;
  const code = [...codeFolders, "cli", "node_modules"].map((name) => join(projectFolder, name));
  const native = nativeFolders(projectFolder, ["duckdb"]);
  return [
    `--allow-read=${[...code, order.store].map(listed)}`,
    "--allow-sys=hostname", // which tells a run of this machine from one of another
    `--allow-net=${LOOPBACK}:${order.port}`,
    ...native.length === 0 ? [] : [`--allow-ffi=${native.map(listed)}`],
  ];
}

function start(order: UiOrder): Deno.ChildProcess {
  const { deno, projectFolder } = CODE;
  const child = new Deno.Command(deno, {
    args: [
      ...["run", "--no-prompt", "--cached-only"],
      "--unstable-no-legacy-abort", // a request is aborted when its client is gone, and then alone
      ...uiPermissions(order),
      fileURLToPath(new URL("../ui/ui_process.ts", import.meta.url)),
    ],
    cwd: projectFolder,
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  // It stays open: the process ends when it is closed, whatever becomes of this one.
  const input = child.stdin.getWriter();
  input.write(new TextEncoder().encode(`${JSON.stringify(order)}\n`)).catch(() => {});
  return child;
}

/** The path without links, so that permissions meet what is opened; of what is not there, its folder's. */
function linksFollowed(path: string): string {
  try {
    return Deno.realPathSync(path);
  } catch {
    return dirname(path) === path ? path : join(linksFollowed(dirname(path)), basename(path));
  }
}
