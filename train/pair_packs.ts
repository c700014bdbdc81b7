import type { Tensor } from "../core/tensor.ts";
import type { TokenizedPair } from "../data/pair.ts";
import type { PairScore } from "./logps.ts";
import type { LongestTokens } from "./models/attention_blocks.ts";
import type { ModelConfig } from "./models/config.ts";
import type { Target } from "./graph/target.ts";
import type { RotaryAngles } from "./models/rotary_angles.ts";
import type { Layout, PromptedReplies } from "./pack_plan.ts";
import { layOut } from "./packs.ts";

/** The pairs of a batch, with their log-probs under the reference where the loss reads those. */
export interface PairBatch {
  readonly pairs: readonly TokenizedPair[];
  readonly reference: readonly PairScore[] | null;
}

/** How much one run of a graph may hold. */
export interface RunLimits {
  /** Tokens of prompts and replies, unless a single pair has more; `fitsRun` says what grids may waste. */
  readonly tokens: number;
  /** Pairs. */
  readonly pairs?: number;
  /** Logits of each reply token that are there at once: the vocabulary's size, or a chunk's. */
  readonly logitsPerToken: number;
  /** The model's, which decides how many cells of attention come to a token. */
  readonly hiddenSize: number;
  /** What computes it, which decides how many logits a run may make; `cpu` unless given. */
  readonly target?: Target;
}

/**
 * Logits that one run may have at once, unless a single pair needs more: 256 MiB, on a GPU, which has to
 * be kept busy, 2 GiB.
 */
const LOGITS_PER_RUN: { readonly [T in Target]: number } = { cpu: 1 << 26, cuda: 1 << 29 };

/**
 * Tokens that a run of training or scoring holds, unless a single pair has more or options say
 * otherwise. In a large model, products of matrices gain nothing from more than 512 rows, and memory
 * that is touched for the first time costs more than computing on it: 4,096 tokens a run of scoring took
 * 6.3 GB and half as much time again. In a small one, starting a run costs more than what it computes.
 * On a GPU runs are as large as some ten gigabytes of activations allow.
 */
export function defaultTokensPerRun(
  { hiddenSize, layers }: Pick<ModelConfig, "hiddenSize" | "layers">,
  target: Target = "cpu",
): number {
  if (target === "cuda") {
    return Math.max(512, Math.min(16384, Math.floor(2 ** 28 / (hiddenSize * layers))));
  }
  return Math.max(512, Math.min(4096, Math.floor(2 ** 23 / (hiddenSize * layers))));
}

/** Reply tokens that one run may predict, unless a single pair has more. */
export function replyTokensPerRun(logitsPerToken: number, target: Target = "cpu"): number {
  return Math.max(1, Math.floor(LOGITS_PER_RUN[target] / logitsPerToken));
}

/** How much something adds to a run. */
export interface Size {
  readonly tokens: number;
  readonly replyTokens: number;
  readonly prompts: number;
  readonly replies: number;
  /** Tokens of the longest prompt and reply: attention's grids are as wide for all. */
  readonly longest: LongestTokens;
  /** Queries times keys, without padding. */
  readonly cells: number;
}

/** The size of a prompt with its replies. */
export function sizeOf({ prompt, replies }: PromptedReplies): Size {
  return sizeOfLengths(prompt.length, replies.map(({ length }) => length));
}

/** The same of a prompt and replies of so many tokens. */
export function sizeOfLengths(prompt: number, replies: readonly number[]): Size {
  return replies.map((reply) => replySize(prompt, reply)).reduce(sumSizes, {
    tokens: prompt,
    replyTokens: 0,
    prompts: 1,
    replies: 0,
    longest: { prompt, reply: 0 },
    cells: prompt ** 2,
  });
}

/** What one more reply adds to a prompt that is there, both in tokens. */
export function replySize(prompt: number, reply: number): Size {
  return {
    tokens: reply,
    replyTokens: reply,
    prompts: 0,
    replies: 1,
    longest: { prompt, reply },
    cells: reply * (prompt + reply),
  };
}

/** The size of both together. */
export function sumSizes(a: Size, b: Size): Size {
  return {
    tokens: a.tokens + b.tokens,
    replyTokens: a.replyTokens + b.replyTokens,
    prompts: a.prompts + b.prompts,
    replies: a.replies + b.replies,
    longest: {
      prompt: Math.max(a.longest.prompt, b.longest.prompt),
      reply: Math.max(a.longest.reply, b.longest.reply),
    },
    cells: a.cells + b.cells,
  };
}

/**
 * What grids of attention waste where not all is as long as the longest, counted in tokens: each empty slot
 * as one, and of empty cells, queries times keys, as many as the model is wide. These take a sixth of the
 * arithmetic that a layer does for a token, and more memory than that.
 */
function wasteOf(size: Size, hiddenSize: number): number {
  const { prompts, replies, longest: { prompt, reply } } = size;
  const slots = prompts * prompt + replies * reply;
  const cells = prompts * prompt ** 2 + replies * reply * (prompt + reply);
  return slots - size.tokens + (cells - size.cells) / hiddenSize;
}

/**
 * Whether one run may hold that much: in tokens, in the logits that its reply tokens make, and in what its
 * grids waste, which is to be no more than the tokens of a full run. A long pair would make the grids of
 * many short ones as long.
 */
export function fitsRun(size: Size, limits: RunLimits): boolean {
  const { tokens, logitsPerToken, hiddenSize, target } = limits;
  return size.tokens <= tokens && size.replyTokens <= replyTokensPerRun(logitsPerToken, target) &&
    wasteOf(size, hiddenSize) <= tokens;
}

/** How many pairs of the longest a run may hold, not in whole pairs; at least one. */
export function longestPairsPerRun(
  { prompt, reply }: LongestTokens,
  { tokens, pairs = Infinity }: Pick<RunLimits, "tokens" | "pairs">,
): number {
  return Math.max(1, Math.min(pairs, tokens / (prompt + 2 * reply)));
}

/**
 * Divides rows into runs: those of like length together, so that attention pads little, and as many as
 * the limits allow, but evenly. Gives row numbers.
 */
export function divideIntoRuns(
  sizes: readonly Size[],
  limits: RunLimits,
): number[][] {
  const byLength = sizes.map((_, row) => row)
    .sort((a, b) => sizes[b].tokens - sizes[a].tokens || a - b);
  const { tokens, pairs = Infinity } = limits;
  const all = sizes.reduce((sum, size) => sum + size.tokens, 0);
  const fewest = Math.ceil(all / tokens);
  const runs: number[][] = [];
  let open: Size | undefined;
  for (const row of byLength) {
    const run = runs.at(-1);
    const next = open && sumSizes(open, sizes[row]);
    // A run stops at its even share, but for the last: no run is to be opened for what is left over.
    const wantsMore = open !== undefined &&
      (runs.length >= fewest || open.tokens < 0.98 * all / fewest);
    const isRoom = wantsMore && run!.length < pairs;
    if (isRoom && fitsRun(next!, limits)) {
      run!.push(row);
      open = next;
    } else {
      runs.push([row]);
      open = sizes[row];
    }
  }
  return runs;
}

/** What all packs of a batch have in common. */
export interface BatchFacts extends Layout {
  readonly config: ModelConfig;
  readonly angles: RotaryAngles;
  /** Whether the loss reads the rejected replies. */
  readonly comparesPairs: boolean;
  /** Pairs of the whole batch. */
  readonly pairs: number;
  /** Mean number of chosen tokens over the whole batch. */
  readonly meanChosenTokens: number;
}

/** Some pairs of a batch as the gradient graph is fed them, but for weights and gradients. */
export function pairFeeds(
  { pairs, reference }: PairBatch,
  facts: BatchFacts,
): Record<string, Tensor> {
  const groups = pairs.map(({ prompt, chosen, rejected }) => ({
    prompt,
    replies: facts.comparesPairs ? [chosen, rejected!] : [chosen],
  }));
  return {
    ...layOut(groups, facts),
    pairWeights: float64(pairs.map(() => 1 / facts.pairs)),
    meanChosenTokens: { ...float64([facts.meanChosenTokens]), dims: [] },
    chosenTokens: float64(pairs.map(({ chosen }) => chosen.length)),
    ...(facts.comparesPairs ? comparedFeeds({ pairs, reference }) : {}),
  };
}

function comparedFeeds({ pairs, reference }: PairBatch): Record<string, Tensor> {
  return {
    rejectedTokens: float64(pairs.map(({ rejected }) => rejected!.length)),
    ...(reference === null ? {} : {
      referenceChosen: float64(reference.map(({ chosenLogp }) => chosenLogp)),
      referenceRejected: float64(reference.map(({ rejectedLogp }) => rejectedLogp!)),
    }),
  };
}

function float64(values: readonly number[]): Tensor<"float64"> {
  return { dtype: "float64", dims: [values.length], data: Float64Array.from(values) };
}
