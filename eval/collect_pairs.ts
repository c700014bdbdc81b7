import { Random } from "../core/random.ts";
import type { PairRow } from "../data/pairs_file.ts";
import { prefersFirst } from "../data/world/labels.ts";
import type { TokenDecoder } from "../train/models/token_decoder.ts";
import { generateJudged, type JudgedReply, type WorldDecoding } from "./world_replies.ts";

/** How pairs are collected from a model's own replies. */
export interface PairCollection extends WorldDecoding {
  readonly samples: number;
  /** The most pairs one prompt may give. */
  readonly pairsPerPrompt: number;
  /** Stop after so many pairs; no limit unless told. */
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
export interface CollectedPairs {
  readonly rows: PairRow[];
  readonly counts: PairCounts;
}

/**
 * Samples replies, throws run-on and malformed ones away unseen (the coverage gap), and pairs the rest
 * of each prompt as they came: first with second, third with fourth. Equal texts and equal gold
 * rewards make no pair. An annotator with Bradley-Terry noise on the gold reward says which is better.
 */
export async function collectPairs(
  decoder: TokenDecoder,
  request: PairCollection,
): Promise<CollectedPairs> {
  const replies = await generateJudged(decoder, request);
  const perPrompt = replies.map((list, i) => pairsOfPrompt(list, { request, prompt: i }));
  const rows = perPrompt.flat().slice(0, request.maxPairs);
  return { rows, counts: countPairs(request, { replies, perPrompt, rows }) };
}

function pairsOfPrompt(
  replies: readonly JudgedReply[],
  { request, prompt: index }: { request: PairCollection; prompt: number },
): PairRow[] {
  const { id, prompt } = request.prompts[index];
  const covered = replies.filter((reply) => reply.covered);
  const rows: PairRow[] = [];
  for (let i = 0; i + 1 < covered.length && rows.length < request.pairsPerPrompt; i += 2) {
    const [a, b] = [covered[i], covered[i + 1]];
    if (a.gold === b.gold) continue;
    const pairId = `${id}/${rows.length + 1}`;
    const random = Random.seeded(request.labelSeed, "labels", pairId);
    const first = prefersFirst(random, { a: a.gold, b: b.gold }, request.labelTemperature);
    rows.push(pairRow({ id: pairId, prompt }, first ? a : b, first ? b : a));
  }
  return rows;
}

function pairRow(
  at: { id: string; prompt: string },
  chosen: JudgedReply,
  rejected: JudgedReply,
): PairRow {
  return {
    ...at,
    chosen: chosen.text,
    rejected: rejected.text,
    meta: { goldChosen: chosen.gold, goldRejected: rejected.gold },
  };
}

function countPairs(
  request: PairCollection,
  { replies, perPrompt, rows }: {
    replies: readonly JudgedReply[][];
    perPrompt: readonly PairRow[][];
    rows: readonly PairRow[];
  },
): PairCounts {
  const wrong = rows.filter(({ meta }) => Number(meta?.goldChosen) < Number(meta?.goldRejected));
  return {
    prompts: request.prompts.length,
    replies: replies.flat().length,
    covered: replies.flat().filter((reply) => reply.covered).length,
    pairs: rows.length,
    promptsWithoutPair: perPrompt.filter((list) => list.length === 0).length,
    wrongLabels: rows.length === 0 ? 0 : 100 * wrong.length / rows.length,
  };
}

/** Where out-of-coverage pairs come from. */
export interface OutOfCoverageCollection extends WorldDecoding {
  readonly samples: number;
  readonly maxPairs?: number;
}

/**
 * For each prompt the first covered reply and the first run-on that ended by itself, where the covered
 * one has the higher gold reward: what no training pair shows. A run-on cut at the token limit is
 * left out, because its text would be read back with an end token that the model never said.
 */
export async function collectOutOfCoverage(
  decoder: TokenDecoder,
  request: OutOfCoverageCollection,
): Promise<PairRow[]> {
  const replies = await generateJudged(decoder, request);
  return replies.flatMap((list, i) => {
    const covered = list.find((reply) => reply.covered);
    const runOn = list.find((reply) => reply.kind === "run-on" && reply.stop === "end");
    if (covered === undefined || runOn === undefined || covered.gold <= runOn.gold) return [];
    const { id, prompt } = request.prompts[i];
    return [pairRow({ id: `${id}/run-on`, prompt }, covered, runOn)];
  }).slice(0, request.maxPairs);
}
