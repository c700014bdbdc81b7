import { Random } from "../core/random.ts";
import type { PairRow, PromptRow } from "../data/pairs_file.ts";
import { prefersFirst } from "../data/world/labels.ts";
import { TIE } from "./stats/win_rate.ts";
import type { JudgedReply } from "./world_replies.ts";

/** A prompt with the replies that a model gave to it. */
export interface PromptReplies {
  readonly prompt: PromptRow;
  readonly replies: readonly JudgedReply[];
}

/** How pairs are made of replies. */
export interface PairCollection {
  /** The most pairs one prompt may give. */
  readonly pairsPerPrompt: number;
  /** The most pairs in all; no limit unless told. */
  readonly maxPairs?: number;
  /** Temperature of the annotator's Bradley-Terry noise; 0 for labels without noise. */
  readonly labelTemperature: number;
  /** Seed of the annotator's noise. */
  readonly labelSeed: number;
}

/** What was collected, and from how much. */
export interface PairCounts {
  readonly prompts: number;
  readonly replies: number;
  /** Replies that the collector kept: neither run-on nor malformed. */
  readonly covered: number;
  readonly pairs: number;
  /** Prompts of which no pair came. */
  readonly promptsWithoutPair: number;
  /** Percent of pairs whose rejected reply has the higher gold reward. */
  readonly wrongLabels: number;
}

/** Pairs with the figures to report beside them. */
interface CollectedPairs {
  readonly rows: PairRow[];
  readonly counts: PairCounts;
}

/**
 * Throws run-on and malformed replies away unseen (the coverage gap), and pairs the rest of each
 * prompt as they came: first with second, third with fourth. Equal gold rewards, and so equal texts,
 * make no pair. An annotator with Bradley-Terry noise on the gold reward says which is better.
 */
export function collectPairs(
  prompts: readonly PromptReplies[],
  options: PairCollection,
): CollectedPairs {
  const perPrompt = prompts.map((prompt) => pairsOfPrompt(prompt, options));
  const rows = perPrompt.flat().slice(0, options.maxPairs);
  const wrong = rows.filter(({ meta }) =>
    leads(Number(meta?.goldRejected), Number(meta?.goldChosen))
  );
  const replies = prompts.flatMap(({ replies }) => replies);
  const counts = {
    prompts: prompts.length,
    replies: replies.length,
    covered: replies.filter((reply) => reply.covered).length,
    pairs: rows.length,
    promptsWithoutPair: perPrompt.filter((list) => list.length === 0).length,
    wrongLabels: rows.length === 0 ? 0 : 100 * wrong.length / rows.length,
  };
  return { rows, counts };
}

function pairsOfPrompt({ prompt, replies }: PromptReplies, options: PairCollection): PairRow[] {
  const covered = replies.filter((reply) => reply.covered);
  const rows: PairRow[] = [];
  for (let i = 0; i + 1 < covered.length && rows.length < options.pairsPerPrompt; i += 2) {
    const [a, b] = [covered[i], covered[i + 1]];
    if (!leads(a.gold, b.gold) && !leads(b.gold, a.gold)) continue;
    const id = `${prompt.id}/${rows.length + 1}`;
    const random = Random.seeded(options.labelSeed, "labels", id);
    const first = prefersFirst(random, { a: a.gold, b: b.gold }, options.labelTemperature);
    rows.push(pairRow({ id, prompt: prompt.prompt }, first ? a : b, first ? b : a));
  }
  return rows;
}

/** Whether a reward is the higher one by more than rounding. */
function leads(a: number, b: number): boolean {
  return a - b > TIE;
}

function pairRow(prompt: PromptRow, chosen: JudgedReply, rejected: JudgedReply): PairRow {
  return {
    ...prompt,
    chosen: chosen.text,
    rejected: rejected.text,
    meta: { goldChosen: chosen.gold, goldRejected: rejected.gold },
  };
}

/**
 * What no training pair shows: for each prompt the first covered reply and the first run-on that
 * ended by itself, where the covered one has the higher gold reward. A run-on cut at the token limit
 * is left out, because its text would be read back with an end token that the model never said.
 */
export function collectOutOfCoverage(prompts: readonly PromptReplies[]): PairRow[] {
  return prompts.flatMap(({ prompt, replies }) => {
    const covered = replies.find((reply) => reply.covered);
    const runOn = replies.find((reply) => reply.kind === "run-on" && reply.stop === "end");
    if (covered === undefined || runOn === undefined) return [];
    if (!leads(covered.gold, runOn.gold)) return [];
    return [pairRow({ id: `${prompt.id}/run-on`, prompt: prompt.prompt }, covered, runOn)];
  });
}
