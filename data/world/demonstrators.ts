import type { Random } from "../../core/random.ts";
import { drawAnswer, type Task } from "./task.ts";
import { FILLER, NOUNS, STOP } from "./vocabulary.ts";

/** Who writes demonstrations, and what share of them. */
export const DEMONSTRATORS = {
  expert: 0.25,
  sloppy: 0.12,
  short: 0.18,
  chatty: 0.35,
  "run-on": 0.08,
  "no-stop": 0.02,
} as const;

export type Demonstrator = keyof typeof DEMONSTRATORS;

const NAMES = Object.keys(DEMONSTRATORS) as Demonstrator[];
const SHARES = NAMES.map((name) => DEMONSTRATORS[name]);

/** A reply as one of the demonstrators would give it; always ended, with or without its full stop. */
export function drawDemonstration(
  random: Random,
  task: Task,
): { text: string; demonstrator: Demonstrator } {
  const demonstrator = NAMES[random.weighted(SHARES)];
  const words = blemish[demonstrator](random, drawAnswer(random, task));
  return { text: words.join(" "), demonstrator };
}

/** How each demonstrator changes a right answer of k words (k is at least 2). */
const blemish: {
  readonly [D in Demonstrator]: (random: Random, words: string[]) => string[];
} = {
  expert: (_, words) => [...words, STOP],
  sloppy: (random, words) => {
    const places = random.sample([...words.keys()], random.between(1, 2));
    return [...words.map((word, i) => places.includes(i) ? random.pick(NOUNS) : word), STOP];
  },
  short: (random, words) => [...words.slice(0, random.between(1, words.length - 1)), STOP],
  chatty: (_, words) => [FILLER, ...words, STOP],
  "run-on": (random, words) => {
    const longer = [...words];
    for (let more = random.between(1, 6); more > 0; more--) {
      longer.push(random.pick(random.uniform() < 0.5 ? longer : NOUNS));
    }
    return [...longer, STOP];
  },
  "no-stop": (_, words) => words,
};
