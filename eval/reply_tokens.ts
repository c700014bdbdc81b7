import type { GenerationRequest } from "./generate.ts";
import type { PromptReply } from "./score_pairs.ts";

/** How the tokens of replies were chosen: in one way, or by the category of what was asked. */
export type Decoding = GenerationRequest["decoding"] | DecodingByCategory;

/** A way for each category of a benchmark's questions. */
export interface DecodingByCategory {
  readonly byCategory: Readonly<Record<string, GenerationRequest["decoding"]>>;
}

/** Whether categories have ways of their own. */
export function isByCategory(decoding: Decoding): decoding is DecodingByCategory {
  return typeof decoding === "object" && "byCategory" in decoding;
}

/** Replies as the model read and wrote them, whose log-probs can be asked for. */
export interface ReplyTokens {
  readonly decoding: Decoding;
  /** One a reply, in the order of the rows: the prompt after truncation, the reply with its end token. */
  readonly sequences: readonly PromptReply[];
}

const DECODING = "decoding.json";
const TOKENS = "tokens.jsonl";

/** Writes how replies were chosen and their token ids into the folder of their rows. */
export async function writeReplyTokens(
  folder: string,
  { decoding, sequences }: ReplyTokens,
): Promise<void> {
  const lines = sequences.map(({ prompt, reply }) =>
    `${JSON.stringify({ prompt: Array.from(prompt), reply: Array.from(reply) })}\n`
  );
  await Deno.writeTextFile(`${folder}/${DECODING}`, `${JSON.stringify(decoding)}\n`);
  await Deno.writeTextFile(`${folder}/${TOKENS}`, lines.join(""));
}

/** Reads them, as `writeReplyTokens` left them. */
export async function readReplyTokens(folder: string): Promise<ReplyTokens> {
  const lines = (await Deno.readTextFile(`${folder}/${TOKENS}`)).split("\n");
  return {
    decoding: await readDecoding(folder),
    sequences: lines.filter((line) => line !== "").map((line) => {
      const { prompt, reply } = JSON.parse(line);
      return { prompt: Int32Array.from(prompt), reply: Int32Array.from(reply) };
    }),
  };
}

/** How the replies in a folder were chosen. */
export async function readDecoding(folder: string): Promise<Decoding> {
  return JSON.parse(await Deno.readTextFile(`${folder}/${DECODING}`));
}

/** The same as facts of an artifact: `{ decoding: "drawn", temperature: 1, topP: 1, … }`. */
export function decodingFacts(decoding: Decoding): Record<string, number | string> {
  if (decoding === "greedy") return { decoding };
  if (isByCategory(decoding)) return { decoding: "by category" };
  const { topK, ...rest } = decoding;
  return { decoding: "drawn", ...rest, ...(topK !== undefined && { topK }) };
}
