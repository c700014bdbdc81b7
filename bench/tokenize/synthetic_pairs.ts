import { Random } from "../../core/random.ts";
import { type PairRow, writePairs } from "../../data/pairs_file.ts";

/** Different words, the frequent ones first. */
const WORDS = 30_000;

/** Sentences that replies are put together from. */
const SENTENCES = 4_000;

const LETTERS = "eeeetttaaaooinnshrrdlucmwfgypbvkjxqz";

/**
 * Writes pairs of about the lengths of UltraFeedback's: prompts of 40 to 200 words, replies of 100
 * to 400, half of them the same words as in any language, a few words in each row that no other row
 * has. The same seed gives the same rows.
 *
 * @returns the number of rows
 */
export function writeSyntheticPairs(
  folder: string,
  { rows, seed }: { rows: number; seed: number },
): Promise<number> {
  return writePairs(folder, syntheticPairs(rows, Random.seeded(seed, "synthetic pairs")));
}

function* syntheticPairs(rows: number, random: Random): Generator<PairRow> {
  const words = Array.from({ length: WORDS }, () => word(random));
  const sentences = Array.from({ length: SENTENCES }, () => sentence(words, random));
  const text = (low: number, high: number) => {
    const parts = Array.from({ length: random.between(low, high) }, () => random.pick(sentences));
    return [...parts, word(random) + word(random)].join(" ");
  };
  for (let row = 0; row < rows; row++) {
    yield {
      id: `synthetic:${row + 1}`,
      prompt: text(3, 16),
      chosen: text(8, 32),
      rejected: text(8, 32),
    };
  }
}

function word(random: Random): string {
  return Array.from({ length: random.between(2, 9) }, () => random.pick([...LETTERS])).join("");
}

/** Twelve words, the first of the list most often (Zipf). */
function sentence(words: readonly string[], random: Random): string {
  const picked = Array.from(
    { length: 12 },
    () => words[Math.floor(words.length ** random.uniform()) - 1],
  );
  return `${picked.join(" ")}.`;
}
