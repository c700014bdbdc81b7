import assert from "node:assert/strict";
import { TextLineStream } from "../pipeline/text_lines.ts";
import { startBallast } from "./end_to_end/ballast.ts";

/** How `ballast serve-model` is called, and ended. */
export interface Serving {
  readonly args: readonly string[];
  /** Where the user stands. */
  readonly folder: string;
  readonly signal?: Deno.Signal;
}

/** Starts the command, waits for its address, and stops it by a signal when `use` is done. */
export async function whileServing(
  { args, folder, signal = "SIGTERM" }: Serving,
  use: (ready: { readonly address: string; readonly model: string }) => Promise<void>,
): Promise<{ readonly code: number; readonly lines: readonly string[]; readonly stderr: string }> {
  const child = startBallast(["serve-model", "--port", "0", "--json", ...args], { folder });
  const stderr = new Response(child.stderr).text();
  const reader = child.stdout.pipeThrough(new TextLineStream()).getReader();
  const { value: line } = await reader.read();
  if (line === undefined) throw new Error(await stderr);
  const lines = [line];
  try {
    await use(JSON.parse(line));
  } finally {
    child.kill(signal);
  }
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    lines.push(next.value);
  }
  const { code } = await child.status;
  return { code, lines, stderr: await stderr };
}

/** Posts JSON and gives the answer's, which must be a good one. */
export async function post<T>(url: string, body: object): Promise<T> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  assert.equal(response.status, 200, text);
  return JSON.parse(text) as T;
}
