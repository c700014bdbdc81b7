import { ExpectedError } from "../../core/problem.ts";

/**
 * A stream as text.
 *
 * @param what names it in messages
 * @throws ExpectedError once it has more than `limit` bytes
 */
export async function limitedText(
  stream: ReadableStream<Uint8Array> | null,
  limit: number,
  what: string,
): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  for await (const piece of stream ?? []) {
    size += piece.length;
    if (size > limit) {
      throw new ExpectedError(`${what} has more than the ${limit} bytes that are read.`);
    }
    text += decoder.decode(piece, { stream: true });
  }
  return text + decoder.decode();
}
