import { promptText, readReplies } from "./reply_rows.ts";
import { decodingFacts, readDecoding } from "./reply_tokens.ts";
import { mean } from "./stats/moments.ts";

/**
 * How many replies a folder holds, mean lengths in tokens and bytes of UTF-8, and how they were
 * chosen. Where the data has no chosen replies, there is no mean of them.
 */
export async function measureReplyTexts(folder: string): Promise<Record<string, number | string>> {
  const rows = await readReplies(folder);
  const chosen = rows.flatMap(({ chosen }) => chosen === null ? [] : [chosen]);
  return {
    replies: rows.length,
    ...(rows.length > 0 && {
      promptTokens: mean(rows.map(({ promptTokens }) => promptTokens)),
      replyTokens: mean(rows.map(({ tokens }) => tokens)),
      promptBytes: meanBytes(rows.map(({ prompt }) => promptText(prompt))),
      replyBytes: meanBytes(rows.map(({ text }) => text)),
    }),
    ...(chosen.length > 0 && { chosenBytes: meanBytes(chosen) }),
    ...decodingFacts(await readDecoding(folder)),
  };
}

function meanBytes(texts: readonly string[]): number {
  const encoder = new TextEncoder();
  return mean(texts.map((text) => encoder.encode(text).length));
}
