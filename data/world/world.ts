import { Random } from "../../core/random.ts";
import type { PairRow, PromptRow } from "../pairs_file.ts";
import { drawDemonstration } from "./demonstrators.ts";
import { drawTasks, type Split } from "./splits.ts";

/**
 * Demonstrations for the reference model: prompts of the training split, drawn with repetition, each
 * answered by one of the demonstrators.
 */
export function* drawDemonstrations(seed: number, count: number): Generator<PairRow> {
  const random = Random.seeded(seed, "world", "demonstrations");
  let row = 0;
  for (const task of drawTasks(random, { split: "train", count, unique: false })) {
    const { text, demonstrator } = drawDemonstration(random, task);
    row++;
    yield {
      id: `demonstration:${row}`,
      prompt: task.prompt,
      chosen: text,
      meta: { demonstrator },
    };
  }
}

/**
 * Prompts of a split. Those for training are all different; those for evaluation follow the prompt
 * distribution, in which the prompts of small tasks come more than once.
 */
export function* drawPrompts(seed: number, split: Split, count: number): Generator<PromptRow> {
  const random = Random.seeded(seed, "world", "prompts", split);
  let row = 0;
  for (const task of drawTasks(random, { split, count, unique: split === "train" })) {
    row++;
    yield { id: `${split}:${row}`, prompt: task.prompt };
  }
}
