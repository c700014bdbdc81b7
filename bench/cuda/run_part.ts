import type { CudaResult } from "./cuda_job.ts";
import type { SittingPart } from "./plans.ts";

/** What a part gave. */
export interface PartResult {
  readonly ok: boolean;
  readonly seconds: number;
  /** One line for whoever watches. */
  readonly summary: string;
  /** What the part printed after `RESULT `, or what its `read` made of what it printed. */
  readonly result: unknown;
  /** The end of what it printed, when it failed. */
  readonly tail?: string;
}

/** Characters of a failed part's output that are worth bringing home. */
const TAIL = 6000;

/** Runs a part in a process of its own, for as long as it may take. */
export async function runPart(
  part: SittingPart,
  { limit, folder, log }: {
    readonly limit: number;
    readonly folder: string;
    /** A file that all it prints is added to. */
    readonly log: string;
  },
): Promise<PartResult> {
  const began = performance.now();
  const [command, ...args] = part.command;
  let text = "";
  let ok = false;
  try {
    const signal = AbortSignal.timeout(limit * 1000);
    const output = await new Deno.Command(command, {
      args,
      cwd: folder,
      env: { NO_COLOR: "1", ...part.env },
      signal,
      stdout: "piped",
      stderr: "piped",
    }).output();
    const [stdout, stderr] = [output.stdout, output.stderr]
      .map((bytes) => new TextDecoder().decode(bytes));
    text = `${stdout}\n${stderr}`;
    ok = output.success;
  } catch (error) {
    text = String(error);
  }
  const seconds = (performance.now() - began) / 1000;
  await Deno.writeTextFile(log, `=== ${part.name}\n${text}\n`, { append: true });
  const result = await readResult(part, text);
  return {
    ok,
    seconds,
    summary: ok ? short(result) : `FAILED: ${lastLine(text)}`,
    result,
    ...(ok ? {} : { tail: text.slice(-TAIL) }),
  };
}

async function readResult(part: SittingPart, text: string): Promise<unknown> {
  try {
    if (part.read !== undefined) return await part.read(text);
    const line = text.split("\n").findLast((row) => row.startsWith("RESULT "));
    return line === undefined ? text.slice(-1500) : JSON.parse(line.slice("RESULT ".length));
  } catch (error) {
    return String(error);
  }
}

function short(result: unknown): string {
  if (typeof result === "object" && result !== null && "seconds" in result) {
    const { deviceBytes, firstStep, ...rest } = result as CudaResult;
    const seconds = rest.seconds.toSorted((a, b) => a - b);
    return `median ${(1000 * seconds[seconds.length >> 1]).toFixed(1)} ms, first step after ` +
      `${firstStep.toFixed(1)} s, ${(deviceBytes / 1e9).toFixed(2)} GB`;
  }
  return JSON.stringify(result).slice(0, 300);
}

function lastLine(text: string): string {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return (lines.findLast((line) => /rror/.test(line)) ?? lines.at(-1) ?? "").slice(0, 300);
}
