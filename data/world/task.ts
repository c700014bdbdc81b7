import type { Random } from "../../core/random.ts";
import { CATEGORIES, type Category, CATEGORY_NAMES, NOUNS, NUMBER_WORDS } from "./vocabulary.ts";

const TASK_NAMES = ["name", "name2", "say", "copy", "reverse"] as const;

export type TaskName = (typeof TASK_NAMES)[number];

/** What one place of the answer must hold: this very word, or a new word of a category. */
export type Slot = { readonly word: string } | { readonly category: Category };

/** A prompt and what answers it. */
export interface Task {
  readonly name: TaskName;
  /** The prompt's words joined by one blank. */
  readonly prompt: string;
  /** The answer, place by place; its length is the k of the reward. */
  readonly slots: readonly Slot[];
}

/** Draws one of the five tasks uniformly, then its words and numbers uniformly. */
export function drawTask(random: Random): Task {
  const name = random.pick(TASK_NAMES);
  switch (name) {
    case "name":
      return nameTask([{ count: random.between(2, 5), category: random.pick(CATEGORY_NAMES) }]);
    case "name2": {
      const categories = random.sample(CATEGORY_NAMES, 2);
      return nameTask(categories.map((category) => ({ count: random.between(2, 3), category })));
    }
    case "say":
      return sayTask(random.pick(NOUNS), random.between(2, 5));
    default:
      return listTask(name, random.sample(NOUNS, random.between(2, 5)));
  }
}

/** An answer that earns the full reward: the slots' words, new words of a category drawn uniformly. */
export function drawAnswer(random: Random, task: Task): string[] {
  const pools = new Map<Category, string[]>();
  return task.slots.map((slot) => {
    if ("word" in slot) return slot.word;
    let pool = pools.get(slot.category);
    if (pool === undefined) {
      pool = random.shuffled<string>(CATEGORIES[slot.category]);
      pools.set(slot.category, pool);
    }
    return pool.pop() as string;
  });
}

/**
 * Reads a prompt back into its task, so that a reply can be judged from text alone.
 *
 * @throws RangeError when the text is no prompt of the world
 *
 * @example
 * ```ts
 * import { parseTask } from "./task.ts";
 * const { slots } = parseTask("reverse apple dog");
 * if (JSON.stringify(slots) !== '[{"word":"dog"},{"word":"apple"}]') throw new Error();
 * ```
 */
export function parseTask(prompt: string): Task {
  const words = prompt.split(" ");
  const task = parseWords(words);
  if (task === undefined) {
    throw new RangeError(
      `Expected a prompt of the world, such as "name two fruits then three tools", ` +
        `but found "${prompt}".`,
    );
  }
  return task;
}

function parseWords(words: readonly string[]): Task | undefined {
  const [first, ...rest] = words;
  if (first === "name") return parseName(rest);
  if (first === "say") {
    const [word, number, times] = rest;
    const count = parseNumber(number, 5);
    const valid = rest.length === 3 && times === "times" && NOUNS.includes(word);
    return valid && count !== undefined ? sayTask(word, count) : undefined;
  }
  if (first !== "copy" && first !== "reverse") return undefined;
  const valid = rest.length >= 2 && rest.length <= 5 && new Set(rest).size === rest.length &&
    rest.every((word) => NOUNS.includes(word));
  return valid ? listTask(first, rest) : undefined;
}

function parseName(words: readonly string[]): Task | undefined {
  const single = words.length === 2;
  if (!single && !(words.length === 5 && words[2] === "then")) return undefined;
  const parts = (single ? [0] : [0, 3]).map((at) => ({
    count: parseNumber(words[at], single ? 5 : 3),
    category: CATEGORY_NAMES.find((name) => name === words[at + 1]),
  }));
  const known = parts.filter((part): part is NamePart =>
    part.count !== undefined && part.category !== undefined
  );
  const distinct = new Set(known.map((part) => part.category)).size === parts.length;
  return distinct ? nameTask(known) : undefined;
}

function parseNumber(word: string | undefined, most: number): number | undefined {
  const entry = Object.entries(NUMBER_WORDS).find(([, name]) => name === word);
  return entry !== undefined && Number(entry[0]) <= most ? Number(entry[0]) : undefined;
}

interface NamePart {
  readonly count: number;
  readonly category: Category;
}

function nameTask(parts: readonly NamePart[]): Task {
  return {
    name: parts.length === 1 ? "name" : "name2",
    prompt: `name ${
      parts.map(({ count, category }) => `${numberWord(count)} ${category}`).join(" then ")
    }`,
    slots: parts.flatMap(({ count, category }) => Array(count).fill({ category })),
  };
}

function sayTask(word: string, count: number): Task {
  return {
    name: "say",
    prompt: `say ${word} ${numberWord(count)} times`,
    slots: Array(count).fill({ word }),
  };
}

function listTask(name: "copy" | "reverse", words: readonly string[]): Task {
  const answer = name === "copy" ? words : words.toReversed();
  return { name, prompt: [name, ...words].join(" "), slots: answer.map((word) => ({ word })) };
}

function numberWord(count: number): string {
  return NUMBER_WORDS[count as keyof typeof NUMBER_WORDS];
}
