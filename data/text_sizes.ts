import { messagesOf } from "./pair.ts";
import { readPairs, readPrompts } from "./pairs_file.ts";

/**
 * How many pairs a folder's `pairs.jsonl` holds, and the mean lengths of their texts in characters.
 * Where none has a rejected reply, there is no mean of it.
 */
export async function measurePairs(folder: string): Promise<Record<string, number>> {
  const sums = { pairs: 0, prompt: 0, chosen: 0, rejected: 0, rejections: 0 };
  for await (const { prompt, chosen, rejected } of readPairs(folder)) {
    sums.pairs++;
    sums.prompt += messagesOf(prompt).reduce((sum, { content }) => sum + content.length, 0);
    sums.chosen += chosen.length;
    if (rejected === undefined) continue;
    sums.rejections++;
    sums.rejected += rejected.length;
  }
  const { pairs, rejections } = sums;
  return {
    pairs,
    ...(pairs > 0 && {
      promptCharacters: sums.prompt / pairs,
      chosenCharacters: sums.chosen / pairs,
    }),
    ...(rejections > 0 && { rejectedCharacters: sums.rejected / rejections }),
  };
}

/** How many prompts a folder's `prompts.jsonl` holds. */
export async function countPrompts(folder: string): Promise<{ prompts: number }> {
  let prompts = 0;
  for await (const _ of readPrompts(folder)) prompts++;
  return { prompts };
}
