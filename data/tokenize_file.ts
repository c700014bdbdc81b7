import { problemsOf, ProblemTally } from "../core/problem.ts";
import { readPreferenceRows } from "./sources/preference_rows.ts";
import { pairTokenizer, type TokenizedRow, type TokenizeOptions } from "./tokenize.ts";
import type { Tokenizer } from "./tokenizer/tokenizer.ts";

/**
 * Tokenizes a file of preference pairs in memory, in the file's order.
 *
 * @param options the file's `path`, the `tokenizer`, and the lengths
 * @throws RangeError, InputError as `readPreferenceRows` and `pairTokenizer`; InputError naming up to
 * 20 pairs that the chat template refuses or no token writes, and how many more there are
 */
export async function readTokenizedFile(
  options: TokenizeOptions & { path: string; tokenizer: Tokenizer },
): Promise<TokenizedRow[]> {
  const tokenize = pairTokenizer(options.tokenizer, options);
  const rows: TokenizedRow[] = [];
  const refused = new ProblemTally();
  for await (const pair of readPreferenceRows(options.path)) {
    try {
      rows.push(tokenize(pair));
    } catch (error) {
      refused.add(problemsOf(error));
    }
  }
  refused.refuse();
  return rows;
}
