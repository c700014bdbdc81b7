import type { Prediction, Sizes, Work } from "../../pipeline/prediction.ts";
import { countWeights, type Reading } from "../../train/costs/arithmetic.ts";
import { type ScoredRuns, scorersMemory } from "../../train/costs/memory.ts";
import { shapeOf } from "../../train/costs/model_sizes.ts";
import { decodingWork, scoringWork } from "../../train/costs/work.ts";
import { targetOf } from "../../train/graph/target.ts";
import type { ModelShape } from "../../train/models/parameters.ts";
import type collect from "../collect.ts";
import type curve from "../curve.ts";
import type evaluate from "../evaluate.ts";
import { decodingMemoryOf, decodingSpeed, ROWS, type Writing } from "./decode.ts";
import { countOf, type PredictOf } from "./params_of.ts";
import { scoredRuns } from "./score.ts";
import { loadingSeconds } from "./speeds.ts";
import { meanReading, tokenSizesOf } from "./token_sizes.ts";

/** The longest prompt of the synthetic world, with room, in tokens. */
const MOST_PROMPT_TOKENS = 32;

/** Mean tokens of its prompts, and of a trained model's replies to them with their end, roughly. */
const TOKENS = { prompt: 6.5, reply: 6 } as const;

/** Mean characters of a pair of the synthetic world, roughly. */
const TEXTS = { promptCharacters: 15, chosenCharacters: 25, rejectedCharacters: 25 } as const;

/** What is read of a reply and its prompt to score it. */
const REPLY: Reading = {
  tokens: TOKENS.prompt + TOKENS.reply,
  replyTokens: TOKENS.reply,
  cells: TOKENS.prompt ** 2 + TOKENS.reply * (TOKENS.prompt + TOKENS.reply),
};

/** Sampling replies and pairing them. */
export const predictCollecting: PredictOf<typeof collect> = async (about) => {
  const { params, inputs, last, isDone } = about;
  const { train, heldOut } = params;
  const [model] = inputs.model;
  const prompts = countOf(inputs.trainPrompts[0], "prompts");
  const held = Math.min(heldOut.maxPairs, heldOut.prompts * heldOut.pairsPerPrompt);
  const pairs = (port: string, most: number | null): Record<string, Sizes> =>
    last[port]
      ? { [port]: last[port] }
      : most === null
      ? {}
      : { [port]: { ...TEXTS, pairs: most } };
  const ofHeldOut = [inputs.validationPrompts[0], inputs.testPrompts[0]]
    .map((split) => Math.min(heldOut.prompts, countOf(split, "prompts") ?? Infinity));
  const replies = prompts === null ? null : prompts * train.samplesPerPrompt +
    ofHeldOut.reduce((sum, count) => sum + count * heldOut.samplesPerPrompt, 0);
  return {
    outputs: {
      ...pairs("train", prompts && prompts * train.pairsPerPrompt),
      ...pairs("validation", held),
      ...pairs("test", held),
      ...pairs("outOfCoverage", held),
    },
    ...workOf(model, params, {
      models: 1,
      amountOf: (shape) => replies && replies * writing(shape, params),
    }),
    ...isDone ? {} : await memoryOf(model, params, { models: 1, prompts: replies }),
  };
};

/** Measuring a policy beside its reference: two replies to each prompt, of which one is scored by both. */
export const predictEvaluation: PredictOf<typeof evaluate> = async (about) => {
  const { params, inputs, isDone } = about;
  const [policy] = inputs.policy;
  const prompts = countOf(inputs.prompts[0], "prompts");
  return {
    ...workOf(policy, params, {
      models: 2,
      amountOf(shape) {
        const pairs = pairsWork(shape, [inputs.pairs[0], ...inputs.outOfCoverage ?? []]);
        if (prompts === null || pairs === null) return null;
        return prompts * (2 * writing(shape, params) + 2 * scoringWork(shape, REPLY)) + 2 * pairs;
      },
    }),
    ...isDone ? {} : await memoryOf(policy, params, {
      models: 2,
      prompts,
      scorers: 2,
      pairs: [inputs.pairs[0], ...inputs.outOfCoverage ?? []],
    }),
  };
};

/** The same of one snapshot after the other; of the reference's replies, where it is wired, one a prompt. */
export const predictCurve: PredictOf<typeof curve> = async ({ params, inputs, isDone }) => {
  const [model] = inputs.snapshots;
  const others = inputs.over?.length ?? 0;
  const prompts = countOf(inputs.prompts[0], "prompts");
  const snapshots = countOf(model, "snapshots");
  return {
    ...workOf(model, params, {
      models: (snapshots ?? 0) + others,
      amountOf(shape) {
        const pairs = pairsWork(shape, [inputs.pairs[0]]);
        if (prompts === null || snapshots === null || pairs === null) return null;
        const write = writing(shape, params);
        const each = prompts * (2 * write + others * 2 * scoringWork(shape, REPLY)) + pairs;
        return snapshots * each + others * prompts * write;
      },
    }),
    ...isDone ? {} : await memoryOf(model, params, {
      models: 1 + others,
      prompts,
      scorers: 1 + others,
      pairs: [inputs.pairs[0]],
    }),
  };
};

/** Operations of a mean reply. */
function writing(shape: ModelShape, { maxNewTokens }: Writing): number {
  const newTokens = Math.min(maxNewTokens, TOKENS.reply);
  return decodingWork(shape, { promptTokens: TOKENS.prompt, newTokens });
}

/** Operations of scoring both replies of all pairs; null where the size of some is not known. */
function pairsWork(shape: ModelShape, sets: readonly (Sizes | null)[]): number | null {
  const sizes = sets.map(tokenSizesOf);
  return sizes.reduce<number | null>((sum, one) => {
    if (sum === null || one === null) return null;
    return sum + one.pairs * scoringWork(shape, meanReading(one, "both"));
  }, 0);
}

/** @param models that are opened, one after the other or at once */
function workOf(
  model: Sizes | null,
  params: Writing,
  { models, amountOf }: {
    readonly models: number;
    readonly amountOf: (shape: ModelShape) => number | null;
  },
): Pick<Prediction, "work"> {
  const shape = shapeOf(model);
  const amount = shape && amountOf(shape);
  if (shape === null || amount === null) return {};
  const { all } = countWeights(shape);
  const work: Work = {
    amount,
    unit: "operations",
    ...decodingSpeed(params),
    startSeconds: loadingSeconds({ models, loadedBytes: 4 * models * all }),
    scale: all,
  };
  return { work };
}

/** Replies are written, and by each model that scores, pairs scored, one after the other. */
async function memoryOf(
  model: Sizes | null,
  params: Writing & { readonly threads: number },
  { models, prompts, scorers = 0, pairs = [] }: {
    readonly models: number;
    /** That are replied to at once at most; null where nobody knows. */
    readonly prompts: number | null;
    readonly scorers?: number;
    readonly pairs?: readonly (Sizes | null)[];
  },
): Promise<Pick<Prediction, "memory">> {
  const rows = Math.min(ROWS, prompts ?? ROWS);
  const decoding = { models, rows, promptTokens: MOST_PROMPT_TOKENS };
  const written = await decodingMemoryOf(model, params, decoding);
  const shape = shapeOf(model);
  if (written === undefined || shape === null) return {};
  const scored = await Promise.all(
    pairs.flatMap((sizes) => tokenSizesOf(sizes) ?? [])
      .map((sizes) => scoredRuns(shape, sizes, { ...params, replies: "both" })),
  );
  const bytesOf = ({ run, lanes }: ScoredRuns) => lanes * run.bytes;
  const [most] = scored.sort((a, b) => bytesOf(b) - bytesOf(a));
  if (most === undefined) return { memory: written };
  const device = targetOf(params.device);
  const added = scorersMemory(most, { sessions: scorers, device })
    .map((part) => device === "cuda" ? { ...part, isOnGpu: true } : part);
  return { memory: [...written, ...added] };
}
