import { nearest } from "../../core/problem.ts";
import type { Message, Prompt } from "../pair.ts";

/** What is wrong with a row, and the nearest valid choice. */
export interface RowProblem {
  readonly message: string;
  readonly nearest?: string;
}

/** Thrown while a row is taken apart; caught where its file and number are known. */
export class BadRow extends Error {
  constructor(readonly problem: RowProblem) {
    super(problem.message);
  }
}

const ROLES = ["system", "user", "assistant"] as const;

/**
 * A value of a row as messages.
 *
 * @param column its name, for error messages
 * @throws BadRow unless it is a list of `{role, content}` with known roles and texts, where a system
 * message comes first and user and assistant alternate, the user first
 */
export function parseMessages(value: readonly unknown[], column: string): Message[] {
  if (value.length === 0) {
    throw new BadRow({ message: `Expected messages in ${column} but found none.` });
  }
  const messages = value.map((item, i) => parseMessage(item, `${column}[${i}]`));
  const turns = messages[0].role === "system" ? messages.slice(1) : messages;
  const skipped = messages.length - turns.length;
  turns.forEach(({ role }, i) => {
    if (role === "system") {
      throw new BadRow({
        message: `Expected a system message at the start of ${column} alone but found one at ` +
          `${column}[${i + skipped}].`,
      });
    }
    if (i > 0 && role === turns[i - 1].role) {
      throw new BadRow({
        message: `Expected user and assistant to alternate but found ${role} twice in a row at ` +
          `${column}[${i + skipped}].`,
      });
    }
  });
  return messages;
}

function parseMessage(value: unknown, path: string): Message {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new BadRow({
      message: `Expected a message {role, content} at ${path} but found ${kindOf(value)}.`,
    });
  }
  const { role, content } = value as Record<string, unknown>;
  if (!("role" in value) || !("content" in value)) {
    const keys = Object.keys(value);
    throw new BadRow({
      message: `Expected a message {role, content} at ${path} but found ${
        keys.join(", ") || "no key"
      }.`,
    });
  }
  const known = ROLES.find((name) => name === role);
  if (known === undefined) {
    throw new BadRow({
      message: `Expected ${path}.role to be system, user or assistant but found ${
        typeof role === "string" ? JSON.stringify(role.slice(0, 40)) : kindOf(role)
      }.`,
      nearest: typeof role === "string" ? nearest(role, ROLES) : undefined,
    });
  }
  if (typeof content !== "string") {
    throw new BadRow({
      message: `Expected ${path}.content to be a text but found ${kindOf(content)}.`,
    });
  }
  return { role: known, content };
}

/** A conversation cut before its last message, which is the reply. */
export interface SplitConversation {
  readonly prompt: readonly Message[];
  readonly reply: string;
}

/**
 * Parts a conversation from its last message.
 *
 * @throws BadRow unless that is the assistant's
 */
export function splitReply(messages: readonly Message[], column: string): SplitConversation {
  const last = messages[messages.length - 1];
  if (last.role !== "assistant") {
    throw new BadRow({
      message:
        `Expected ${column} to end with the assistant's message but found the ${last.role}'s.`,
    });
  }
  return { prompt: messages.slice(0, -1), reply: last.content };
}

/**
 * A prompt of messages in its simplest form: one user message is its text.
 *
 * @throws BadRow unless there is one, it begins (after a system message) and ends with the user
 */
export function parsePrompt(messages: readonly Message[], column: string): Prompt {
  const turns = messages[0]?.role === "system" ? messages.slice(1) : messages;
  const wrong = turns.length === 0
    ? "none"
    : turns[0].role !== "user"
    ? `the ${turns[0].role}'s at its start`
    : turns[turns.length - 1].role !== "user"
    ? `the ${turns[turns.length - 1].role}'s at its end`
    : null;
  if (wrong !== null) {
    throw new BadRow({
      message:
        `Expected the prompt in ${column} to begin and end with a user's message but found ${wrong}.`,
    });
  }
  return messages.length === 1 ? messages[0].content : messages;
}

/** Whether two lists of messages are the same. */
export function sameMessages(a: readonly Message[], b: readonly Message[]): boolean {
  return a.length === b.length && firstDifference(a, b) === -1;
}

/** Where two lists of messages part ways; −1 when they do not. */
export function firstDifference(a: readonly Message[], b: readonly Message[]): number {
  const length = Math.max(a.length, b.length);
  for (let i = 0; i < length; i++) {
    if (a[i]?.role !== b[i]?.role || a[i]?.content !== b[i]?.content) return i;
  }
  return -1;
}

/** The kind of a value, for error messages. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return "null";
  if (ArrayBuffer.isView(value)) return "bytes";
  return Array.isArray(value) ? "list" : typeof value === "object" ? "record" : typeof value;
}
