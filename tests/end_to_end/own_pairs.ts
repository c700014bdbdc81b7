import { join } from "node:path";
import { Random } from "../../core/random.ts";

const SUBJECTS = ["The river", "A careful cook", "My neighbour", "This old clock", "Every bird"];
const VERBS = ["keeps", "forgets", "repairs", "counts", "remembers"];
const OBJECTS = ["the bridge", "seven spoons", "a long story", "what was promised", "the weather"];

/** A split in the shape of UltraFeedback's and words of our own; no prompt comes twice. */
export async function writeSplit(
  folder: string,
  split: "train" | "test",
  rows: number,
): Promise<void> {
  const random = Random.seeded(1, split);
  const sentence = () => `${random.pick(SUBJECTS)} ${random.pick(VERBS)} ${random.pick(OBJECTS)}.`;
  const lines = Array.from({ length: rows }, (_, i) => {
    const prompt = `Continue ${split} note ${i}: ${sentence()}`;
    const [chosen, rejected] = [`${sentence()} ${sentence()}`, sentence()];
    return `${JSON.stringify({ prompt, chosen, rejected })}\n`;
  });
  await Deno.writeTextFile(join(folder, `${split}_prefs.jsonl`), lines.join(""));
}
