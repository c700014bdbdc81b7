import { readPreferenceRows } from "./sources/preference_rows.ts";
import { pairTokenizer, type TokenizedRow, type TokenizeOptions } from "./tokenize.ts";
import type { Tokenizer } from "./tokenizer/tokenizer.ts";

/**
 * Tokenizes a file of preference pairs in memory, in the file's order.
 *
 * @param options the file's `path`, the `tokenizer`, and the lengths
 * @throws InputError as `readPreferenceRows` and `pairTokenizer`
 */
export async function readTokenizedFile(
  options: TokenizeOptions & { path: string; tokenizer: Tokenizer },
): Promise<TokenizedRow[]> {
  const tokenize = pairTokenizer(options.tokenizer, options);
  const rows: TokenizedRow[] = [];
  for await (const pair of readPreferenceRows(options.path)) rows.push(tokenize(pair));
  return rows;
}
