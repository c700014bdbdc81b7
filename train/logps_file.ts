import { InputError } from "../core/problem.ts";
import type { PairScore } from "./logps.ts";

/** Writes `logps.jsonl` into a folder: one row a pair, in their order. */
export async function writeLogps(folder: string, scores: readonly PairScore[]): Promise<void> {
  const rows = scores.map((score) => `${JSON.stringify(score)}\n`).join("");
  await Deno.writeTextFile(`${folder}/logps.jsonl`, rows);
}

/**
 * Reads a folder's `logps.jsonl`.
 *
 * @throws InputError for the first row that is none
 */
export async function readLogps(folder: string): Promise<PairScore[]> {
  const path = `${folder}/logps.jsonl`;
  const lines = (await Deno.readTextFile(path)).split("\n").filter((line) => line !== "");
  return lines.map((line, i) => {
    const row = parseRow(line);
    if (row !== null && isScore(row)) return row;
    const message = `Expected a row of log-probs but found ${line.slice(0, 80)}.`;
    throw new InputError([{ path: `${path}:${i + 1}`, message }]);
  });
}

/** A NaN or an infinity was written as null: it must not pass for the absence of a rejected reply. */
function isScore({ id, chosenLogp, rejectedLogp, rejectedTokens }: PairScore): boolean {
  const rejected = rejectedTokens === null ? rejectedLogp === null : Number.isFinite(rejectedLogp);
  return typeof id === "string" && Number.isFinite(chosenLogp) && rejected;
}

function parseRow(line: string): PairScore | null {
  try {
    return JSON.parse(line) as PairScore | null;
  } catch {
    return null;
  }
}
