import { jsonLines } from "../core/json.ts";
import type { Message } from "../data/pair.ts";
import type { Evaluation, EvaluationExample, MetricValues } from "./evaluation.ts";
import type { MetricName } from "./metrics.ts";
import type { RunOnSign } from "./run_ons.ts";
import { clusterId } from "./pair_preferences.ts";
import { type ReplyTokens, writeReplyTokens } from "./reply_tokens.ts";

/** A row of `replies.jsonl`: what a model replied to one prompt. Untrusted text. */
export interface ReplyRow {
  /** As in the source of the prompt. */
  readonly id: string;
  readonly prompt: readonly Message[];
  /** Without special tokens, which are words in the synthetic world and stand here. */
  readonly text: string;
  /** `end`: by itself; `length`: cut. */
  readonly stop: "end" | "length";
  /** What makes it look like a run-on. */
  readonly runOn: readonly RunOnSign[];
  /** Tokens generated, the end token included. */
  readonly tokens: number;
  /** Tokens that the model read before, after truncation. */
  readonly promptTokens: number;
  /** The chosen reply of the data; null where there is none. */
  readonly chosen: string | null;
}

const FILE = "replies.jsonl";

/** Writes replies into a folder, one JSON object a line, with their token ids beside them. */
export async function writeReplies(
  folder: string,
  rows: readonly ReplyRow[],
  tokens: ReplyTokens,
): Promise<void> {
  await Deno.writeTextFile(`${folder}/${FILE}`, jsonLines(rows));
  await writeReplyTokens(folder, tokens);
}

/** Reads the replies in a folder, as `writeReplies` left them. */
export async function readReplies(folder: string): Promise<ReplyRow[]> {
  const text = await Deno.readTextFile(`${folder}/${FILE}`);
  return text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
}

/** What replies tell without a judge: how long they are, how many end by themselves. */
export function measureReplies(
  rows: readonly ReplyRow[],
  options: { /** Rows kept for people to read, from the first. */ readonly examples: number },
): Evaluation {
  const over = "replies";
  const along = (measure: (row: ReplyRow) => number): MetricValues => ({
    over,
    values: rows.map(measure),
  });
  const metrics: Partial<Record<MetricName, MetricValues>> = {
    length: along(({ tokens }) => tokens),
    ended: along(({ stop }) => stop === "end" ? 100 : 0),
  };
  return {
    itemSets: {
      [over]: {
        items: rows.map(({ id }) => id),
        clusters: rows.map(({ prompt }) => clusterId(promptText(prompt))),
      },
    },
    metrics,
    examples: rows.slice(0, options.examples).map(exampleOf),
  };
}

function exampleOf({ id, prompt, text, chosen }: ReplyRow): EvaluationExample {
  const example = { id, prompt: promptText(prompt), text, score: null };
  return chosen === null ? example : { ...example, reference: chosen };
}

/** A prompt for people to read: a user's only message as it is, else every message after its role. */
export function promptText(messages: readonly Message[]): string {
  if (messages.length === 1 && messages[0].role === "user") return messages[0].content;
  return messages.map(({ role, content }) => `${role}: ${content}`).join("\n\n");
}
