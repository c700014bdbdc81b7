import { InputError, type Problem } from "../core/problem.ts";
import { readPrompts } from "../data/pairs_file.ts";
import { tokenizePrompt } from "../data/tokenize.ts";
import type { Tokenizer } from "../data/tokenizer/tokenizer.ts";
import { parseTask } from "../data/world/task.ts";
import type { WorldPrompt } from "./world_replies.ts";

/**
 * The prompts of a folder, as the model reads them.
 *
 * @param limit read no more than so many
 * @throws InputError naming every row that is no prompt of the synthetic world
 */
export async function readWorldPrompts(
  folder: string,
  tokenizer: Tokenizer,
  limit = Infinity,
): Promise<WorldPrompt[]> {
  const prompts: WorldPrompt[] = [];
  const problems: Problem[] = [];
  for await (const { id, prompt } of readPrompts(folder)) {
    if (prompts.length + problems.length >= limit) break;
    try {
      parseTask(prompt);
      prompts.push({ id, prompt, tokens: tokenizePrompt(tokenizer, prompt) });
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      problems.push({ path: `prompts.jsonl: ${id}`, message: error.message });
    }
  }
  if (problems.length > 0) throw new InputError(problems);
  return prompts;
}

/** How replies of the world are ended and read: by the tokenizer's end token, special words kept. */
export function worldReplies(tokenizer: Tokenizer): {
  stopTokens: number[];
  decode: (tokens: Int32Array) => string;
} {
  if (tokenizer.eosId === null) {
    const message = "Expected an eos_token, which ends every reply, but found none.";
    throw new InputError([{ path: `${tokenizer.folder}/tokenizer_config.json`, message }]);
  }
  return {
    stopTokens: [tokenizer.eosId],
    decode: (tokens) => tokenizer.decode(tokens, { keepSpecialTokens: true }),
  };
}
