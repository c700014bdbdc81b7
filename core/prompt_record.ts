/** What a judge said of one prompt once: in one order of the replies, or of a single reply. */
export interface PromptVerdict {
  /** The judge's name. */
  readonly judge: string;
  /** Two systems that were compared, or one that was graded. */
  readonly systems: readonly string[];
  /** Whether the judge was shown the second system's reply first; null where order means nothing to it. */
  readonly swapped: boolean | null;
  /**
   * Of two, the credit of the second, from 0 (the first is better) to 1, whatever the order shown; of
   * one, its grade. Null where the judge's answer could not be had or read.
   */
  readonly value: number | null;
}

/** One prompt, what systems replied, and what judges said of that. All its texts are untrusted. */
export interface PromptRecord {
  readonly prompt: string;
  /** The benchmark's category, or the kind of task; absent where there is none. */
  readonly category?: string;
  readonly replies: readonly {
    readonly system: string;
    readonly text: string;
    /** What a known reward gives it; null where none is known. */
    readonly score: number | null;
  }[];
  readonly verdicts?: readonly PromptVerdict[];
}

/**
 * Brings together what is told of the same prompt in several places: replies of further systems, further
 * verdicts. A system that replied in another way there (under another seed) begins a record of its own, and
 * a verdict that is told twice stands once.
 *
 * @returns in the order in which prompts first come
 *
 * @example
 * ```ts
 * import { mergePrompts } from "./prompt_record.ts";
 * const reply = (system: string) => ({ system, text: "hi", score: null });
 * const merged = mergePrompts([
 *   { prompt: "say hi", replies: [reply("a")] },
 *   { prompt: "say hi", replies: [reply("a"), reply("b")] },
 * ]);
 * if (merged.length !== 1 || merged[0].replies.length !== 2) throw new Error();
 * ```
 */
export function mergePrompts(records: readonly PromptRecord[]): PromptRecord[] {
  const merged: PromptRecord[] = [];
  const places = new Map<string, number[]>();
  for (const record of records) {
    const known = places.get(record.prompt) ?? [];
    const at = known.find((place) => agree(merged[place], record));
    if (at !== undefined) merged[at] = joined(merged[at], record);
    else places.set(record.prompt, [...known, merged.push(record) - 1]);
  }
  return merged;
}

function agree(a: PromptRecord, b: PromptRecord): boolean {
  return b.replies.every(({ system, text }) =>
    a.replies.every((reply) => reply.system !== system || reply.text === text)
  );
}

function joined(a: PromptRecord, b: PromptRecord): PromptRecord {
  const replyOf = (record: PromptRecord, system: string) =>
    record.replies.find((reply) => reply.system === system);
  const known = a.replies.map((reply) => ({
    ...reply,
    score: reply.score ?? replyOf(b, reply.system)?.score ?? null,
  }));
  const further = b.replies.filter(({ system }) => replyOf(a, system) === undefined);
  const category = a.category ?? b.category;
  const told = [...a.verdicts ?? [], ...b.verdicts ?? []];
  const verdicts = [...new Map(told.map((verdict) => [verdictKey(verdict), verdict])).values()];
  return {
    prompt: a.prompt,
    ...(category !== undefined && { category }),
    replies: [...known, ...further],
    ...(verdicts.length > 0 && { verdicts }),
  };
}

function verdictKey({ judge, systems, swapped, value }: PromptVerdict): string {
  return JSON.stringify([judge, systems, swapped, value]);
}
