import { sha256 } from "../core/digest.ts";
import { sameReplies } from "./audit_checks.ts";
import { readPairs } from "./pairs_file.ts";
import { writeTokens } from "./store/write_tokens.ts";
import { pairTokenizer, type TokenizedRow, type TokenizeOptions } from "./tokenize.ts";
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
  /** Keeps the chosen replies alone: demonstrations to fine-tune on. */
  readonly chosenOnly?: boolean;
}

/**
 * Tokenizes a folder of pairs into a `tokens` artifact, row by row.
 *
 * @returns a sentence with the counts
 * @throws RangeError, InputError as `pairTokenizer`
 */
export async function tokenizePairs(options: TokenizePairs): Promise<string> {
  const { maxLength, maxPromptLength } = options;
  const tokenizer = await loadTokenizer(options.tokenizer);
  const tokenize = pairTokenizer(tokenizer, { maxLength, maxPromptLength });
  const counts = { tokens: 0, truncated: 0, mismatched: 0, dropped: 0 };
  async function* rows(): AsyncGenerator<TokenizedRow> {
    for await (const { rejected, ...pair } of readPairs(options.pairs)) {
      const row = tokenize(options.chosenOnly ? pair : { ...pair, rejected });
      if (options.dropIdentical && sameReplies(row)) {
        counts.dropped++;
        continue;
      }
      counts.tokens += row.prompt.length + row.chosen.length + (row.rejected?.length ?? 0);
      if (row.truncation !== "none") counts.truncated++;
      if (row.boundaryMismatch) counts.mismatched++;
      yield row;
    }
  }
  const facts = {
    maxLength,
    maxPromptLength,
    vocabSize: tokenizer.vocabSize,
    eosId: tokenizer.eosId as number,
    padId: tokenizer.padId,
    templateDigest: tokenizer.chatTemplate && sha256(tokenizer.chatTemplate.source),
  };
  const pairs = await writeTokens({ folder: options.folder, facts, rows: rows() });
  return `${pairs} pairs, ${counts.tokens} tokens, ${counts.truncated} truncated, ` +
    `${counts.mismatched} with a boundary mismatch, ${counts.dropped} dropped as identical`;
}
