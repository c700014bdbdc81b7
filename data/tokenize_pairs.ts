import { problemsOf, ProblemTally } from "../core/problem.ts";
import { ROW_CHECKS, type RowCode, sameReplies } from "./audit_checks.ts";
import type { PreferencePair } from "./pair.ts";
import { countPairs, readPairs } from "./pairs_file.ts";
import { SeenPrompts } from "./seen_prompts.ts";
import { streamTokens } from "./store/read_tokens.ts";
import { writeTokens } from "./store/write_tokens.ts";
import {
  encodingFacts,
  type PairTokenizer,
  pairTokenizer,
  type TokenizedRow,
  type TokenizeOptions,
} from "./tokenize.ts";
import { loadTokenizer } from "./tokenizer/tokenizer.ts";

/** What `tokenizePairs` is given: folders, and the lengths. */
export interface TokenizePairs extends TokenizeOptions {
  /** Folder with `pairs.jsonl`. */
  readonly pairs: string;
  /** Folder with `tokenizer.json`. */
  readonly tokenizer: string;
  /** Folder that gets `tokens.duckdb`. */
  readonly folder: string;
  /** Leaves out pairs whose replies are the same once truncated. */
  readonly dropIdentical?: boolean;
  /** Leaves out pairs that the audit would find, by what it would find. */
  readonly drop?: readonly RowCode[];
  /** Folders with `tokens.duckdb` whose prompts are left out, also but for case and white space. */
  readonly without?: readonly string[];
  /** Keeps the chosen replies alone: demonstrations to fine-tune on. */
  readonly chosenOnly?: boolean;
  /** Told after each batch how many pairs are tokenized, of how many. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Ends the work between two batches. */
  readonly signal?: AbortSignal;
}

/** Pairs whose texts are encoded together. */
const BATCH = 128;

/**
 * Tokenizes a folder of pairs into a `tokens` artifact, batch by batch: memory holds a few thousand
 * rows, however many there are.
 *
 * @returns a sentence with the counts, which ends with the library that encoded the texts
 * @throws RangeError, InputError as `pairTokenizer`; InputError at the end, naming up to 20 pairs that
 * the chat template refuses or no token writes, and how many more there are
 */
export async function tokenizePairs(options: TokenizePairs): Promise<string> {
  const { maxLength, maxPromptLength } = options;
  const tokenizer = await loadTokenizer(options.tokenizer, { native: true });
  const tokenize = pairTokenizer(tokenizer, { maxLength, maxPromptLength });
  const counts = { tokens: 0, truncated: 0, mismatched: 0 };
  const rejects = await rowFilter(options);
  const total = await countPairs(options.pairs);
  async function* rows(): AsyncGenerator<TokenizedRow> {
    let done = 0;
    for await (const { read, rows: some } of tokenizedBatches(options, tokenize)) {
      options.signal?.throwIfAborted();
      for (const row of some) {
        if (rejects(row)) continue;
        counts.tokens += row.prompt.length + row.chosen.length + (row.rejected?.length ?? 0);
        if (row.truncation !== "none") counts.truncated++;
        if (row.boundaryMismatch) counts.mismatched++;
        yield row;
      }
      options.onProgress?.(done += read, total);
    }
  }
  const facts = { maxLength, maxPromptLength, ...encodingFacts(tokenizer) };
  const pairs = await writeTokens({ folder: options.folder, facts, rows: rows() });
  return `${pairs} pairs, ${counts.tokens} tokens, ${counts.truncated} truncated, ` +
    `${counts.mismatched} with a boundary mismatch, ${rejects.summary()}; ` +
    `encoder: ${tokenizer.encoder}`;
}

/** Tells which rows are left out, and counts them by reason. */
async function rowFilter({ dropIdentical, drop = [], without = [] }: TokenizePairs) {
  const prompts = new SeenPrompts();
  for (const folder of without) {
    for await (const row of streamTokens(folder)) prompts.add(row);
  }
  const counts = new Map<string, number>();
  const reasonOf = (row: TokenizedRow) => {
    if (dropIdentical && sameReplies(row)) return "identical";
    if (prompts.has(row) !== null) return "prompt-overlap";
    return drop.find((code) => ROW_CHECKS[code](row));
  };
  const rejects = (row: TokenizedRow) => {
    const reason = reasonOf(row);
    if (reason !== undefined) counts.set(reason, (counts.get(reason) ?? 0) + 1);
    return reason !== undefined;
  };
  const summary = () =>
    [...counts].map(([reason, count]) => `${count} dropped (${reason})`).join(", ") || "0 dropped";
  return Object.assign(rejects, { summary });
}

/** The pairs of a folder, some at a time. */
async function* batches({ pairs, chosenOnly }: TokenizePairs): AsyncGenerator<PreferencePair[]> {
  let batch: PreferencePair[] = [];
  for await (const { id, prompt, chosen, rejected } of readPairs(pairs)) {
    batch.push({ id, prompt, chosen, rejected: chosenOnly ? undefined : rejected });
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** Tokenized batches of a folder's pairs; what cannot be written is told together, at the end. */
async function* tokenizedBatches(
  options: TokenizePairs,
  tokenize: PairTokenizer,
): AsyncGenerator<{ readonly read: number; readonly rows: readonly TokenizedRow[] }> {
  const refused = new ProblemTally();
  const work = async (pairs: readonly PreferencePair[]) => {
    const read = pairs.length;
    try {
      return { read, rows: await tokenize.all(pairs), problems: [] };
    } catch (error) {
      return { read, rows: [], problems: problemsOf(error) };
    }
  };
  for await (const { read, rows, problems } of oneAhead(batches(options), work)) {
    refused.add(problems);
    yield { read, rows };
  }
  refused.refuse();
}

/**
 * What is made of each item, in order. Work on the next item is begun before a result is given out,
 * so that what runs on other threads goes on while the result is used.
 */
async function* oneAhead<Item, Result>(
  items: AsyncIterable<Item>,
  work: (item: Item) => Promise<Result>,
): AsyncGenerator<Result> {
  let begun: Promise<Result> | null = null;
  for await (const item of items) {
    const next = work(item);
    // A failure is told when the result is asked for.
    next.catch(() => {});
    if (begun !== null) yield await begun;
    begun = next;
  }
  if (begun !== null) yield await begun;
}
