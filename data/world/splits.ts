import type { Random } from "../../core/random.ts";
import { drawTask, type Task } from "./task.ts";

export type Split = "train" | "validation" | "test";

/**
 * The split that a prompt belongs to for good, by a fixed hash of its characters:
 * h ← (31 h + code) mod 1,000,003. One prompt in five is held out (h mod 5 = 0); of those, one in two
 * is for the table (`test`: ⌊h/10⌋ odd), the other for choosing a stopping point (`validation`).
 * Tens and not fives, because ⌊h/5⌋ would leave one of the two without any `name` prompt.
 */
export function splitOf(prompt: string): Split {
  let hash = 0;
  for (let i = 0; i < prompt.length; i++) hash = (31 * hash + prompt.charCodeAt(i)) % 1000003;
  if (hash % 5 !== 0) return "train";
  return Math.floor(hash / 10) % 2 === 1 ? "test" : "validation";
}

/** How to draw the tasks of a split. */
export interface DrawTasks {
  readonly split: Split;
  readonly count: number;
  /** Each prompt at most once. Small tasks then run out, so that long lists make up the rest. */
  readonly unique: boolean;
}

/** Different prompts that the rarer split surely holds; asking for more would draw for very long. */
const MOST_UNIQUE = 100000;

/**
 * Tasks from the prompt distribution, those of other splits skipped.
 *
 * @throws RangeError when the count is no non-negative integer, or more unique ones than there are
 */
export function* drawTasks(random: Random, options: DrawTasks): Generator<Task> {
  const { split, count, unique } = options;
  if (!Number.isInteger(count) || count < 0) {
    throw new RangeError(`Expected count to be an integer of at least 0 but found ${count}.`);
  }
  if (unique && count > MOST_UNIQUE) {
    throw new RangeError(
      `Expected at most ${MOST_UNIQUE} unique prompts a split but found ${count}.`,
    );
  }
  const seen = new Set<string>();
  for (let drawn = 0; drawn < count;) {
    const task = drawTask(random);
    if (splitOf(task.prompt) !== split || (unique && seen.has(task.prompt))) continue;
    if (unique) seen.add(task.prompt);
    drawn++;
    yield task;
  }
}
