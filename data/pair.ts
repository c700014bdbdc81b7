import { refuseProblems } from "../core/problem.ts";

/** One turn of a conversation. */
export interface Message {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

/**
 * What precedes a reply. A plain string is one user message under a chat template, and stands as it is
 * without one. Several messages (a system message, earlier turns) end with the user's and need a template.
 */
export type Prompt = string | readonly Message[];

/** A preference pair as text. */
export interface PreferencePair {
  /** Stable id within its source, such as `train_prefs.jsonl:17`. */
  readonly id: string;
  readonly prompt: Prompt;
  readonly chosen: string;
  /** Absent for demonstrations, which have only one reply. */
  readonly rejected?: string;
}

/** The messages of a prompt; a plain string is one of the user. */
export function messagesOf(prompt: Prompt): readonly Message[] {
  return typeof prompt === "string" ? [{ role: "user", content: prompt }] : prompt;
}

/** Every text of a pair: the prompt's messages, then the replies. */
export function textsOf({ prompt, chosen, rejected }: Omit<PreferencePair, "id">): string[] {
  const texts = [...messagesOf(prompt).map(({ content }) => content), chosen];
  return rejected === undefined ? texts : [...texts, rejected];
}

/** Token ids; as a cache gives them, two bytes each where the vocabulary allows. */
export type TokenIds = Int32Array | Uint16Array;

/** A preference pair as token ids, after truncation; the reply follows the prompt directly. */
export interface TokenizedPair {
  readonly id: string;
  readonly prompt: TokenIds;
  readonly chosen: TokenIds;
  /** `null` for demonstrations. */
  readonly rejected: TokenIds | null;
}

/**
 * Refuses pairs whose prompt has no tokens: what is scored of a reply begins with what follows a prompt.
 *
 * @throws InputError naming up to 20 of them and how many more there are
 */
export function requirePrompts(pairs: readonly TokenizedPair[]): void {
  refuseProblems(
    pairs.filter(({ prompt }) => prompt.length === 0).map(({ id }) => ({
      path: `pair ${id}`,
      message: "Expected prompt to have tokens but found none.",
    })),
  );
}
