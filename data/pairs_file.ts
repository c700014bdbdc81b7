import { writeAll } from "../core/write_atomically.ts";
import type { PreferencePair } from "./pair.ts";

/** A row of `pairs.jsonl`. */
export interface PairRow extends PreferencePair {
  /** What the source knows beside the texts, such as gold rewards; no stage depends on it. */
  readonly meta?: Readonly<Record<string, unknown>>;
}

/** A row of `prompts.jsonl`. */
export interface PromptRow {
  readonly id: string;
  readonly prompt: string;
}

type Rows<T> = Iterable<T> | AsyncIterable<T>;

/** Writes `pairs.jsonl` into a folder, row by row, and returns how many there were. */
export function writePairs(folder: string, rows: Rows<PairRow>): Promise<number> {
  return writeRows(
    `${folder}/pairs.jsonl`,
    rows,
    ({ id, prompt, chosen, rejected, meta }) => ({ id, prompt, chosen, rejected, meta }),
  );
}

/** The rows of a folder's `pairs.jsonl`, streamed. */
export function readPairs(folder: string): AsyncGenerator<PairRow> {
  return readRows<PairRow>(`${folder}/pairs.jsonl`);
}

/** How many rows a folder's `pairs.jsonl` has. */
export async function countPairs(folder: string): Promise<number> {
  using file = await Deno.open(`${folder}/pairs.jsonl`, { read: true });
  const bytes = new Uint8Array(BLOCK);
  let rows = 0;
  for (let count = await file.read(bytes); count !== null; count = await file.read(bytes)) {
    const block = bytes.subarray(0, count);
    for (let at = block.indexOf(10); at >= 0; at = block.indexOf(10, at + 1)) rows++;
  }
  return rows;
}

/** The first pairs of so many prompts, each prompt once, in their order. */
export async function distinctPrompts(
  rows: Rows<PairRow>,
  limit = Infinity,
): Promise<PairRow[]> {
  const known = new Set<string>();
  const kept: PairRow[] = [];
  for await (const row of rows) {
    if (kept.length >= limit) break;
    const prompt = JSON.stringify(row.prompt);
    if (known.has(prompt)) continue;
    known.add(prompt);
    kept.push(row);
  }
  return kept;
}

/** Writes `prompts.jsonl` into a folder, row by row, and returns how many there were. */
export function writePrompts(folder: string, rows: Rows<PromptRow>): Promise<number> {
  return writeRows(`${folder}/prompts.jsonl`, rows, ({ id, prompt }) => ({ id, prompt }));
}

/** The rows of a folder's `prompts.jsonl`, streamed. */
export function readPrompts(folder: string): AsyncGenerator<PromptRow> {
  return readRows<PromptRow>(`${folder}/prompts.jsonl`);
}

/** Characters gathered before they go to the file. */
const BLOCK = 1 << 16;

async function writeRows<T>(
  path: string,
  rows: Rows<T>,
  columns: (row: T) => Record<string, unknown>,
): Promise<number> {
  using file = await Deno.open(path, { write: true, create: true, truncate: true });
  const encoder = new TextEncoder();
  let block = "";
  let count = 0;
  const flush = async () => {
    await writeAll(file, encoder.encode(block));
    block = "";
  };
  for await (const row of rows) {
    block += `${JSON.stringify(columns(row))}\n`;
    count++;
    if (block.length >= BLOCK) await flush();
  }
  await flush();
  return count;
}

/** Rows as this project wrote them; files of others go through `sources/`, which checks them. */
async function* readRows<T>(path: string): AsyncGenerator<T> {
  using file = await Deno.open(path, { read: true });
  const decoder = new TextDecoder();
  const bytes = new Uint8Array(BLOCK);
  let rest = "";
  for (let count = await file.read(bytes); count !== null; count = await file.read(bytes)) {
    const text = decoder.decode(bytes.subarray(0, count), { stream: true });
    let start = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", start)) {
      yield JSON.parse(rest + text.slice(start, end));
      rest = "";
      start = end + 1;
    }
    // Joined, not read yet: a row may be longer than many blocks.
    rest += text.slice(start);
  }
}
