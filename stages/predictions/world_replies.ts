import type { Prediction, Sizes, Work } from "../../pipeline/prediction.ts";
import { countWeights, type Reading } from "../../train/costs/arithmetic.ts";
import { shapeOf } from "../../train/costs/model_sizes.ts";
import { decodingWork, scoringWork } from "../../train/costs/work.ts";
import type { ModelShape } from "../../train/models/parameters.ts";
import type collect from "../collect.ts";
import type curve from "../curve.ts";
import type evaluate from "../evaluate.ts";
import { decodingMemoryOf, decodingSpeed, ROWS, type Writing } from "./decode.ts";
import { countOf, type PredictOf } from "./params_of.ts";
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
  const { params, inputs, last } = about;
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
    memory: await memoryOf(model, params, 1),
  };
};

/** Measuring a policy beside its reference: two replies to each prompt, of which one is scored by both. */
export const predictEvaluation: PredictOf<typeof evaluate> = async ({ params, inputs }) => {
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
    memory: await memoryOf(policy, params, 2),
  };
};

/** The same of one snapshot after the other; of the reference's replies, where it is wired, one a prompt. */
export const predictCurve: PredictOf<typeof curve> = async ({ params, inputs }) => {
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
    memory: await memoryOf(model, params, 1 + others),
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

function memoryOf(model: Sizes | null, params: Writing, models: number) {
  return decodingMemoryOf(model, params, { models, rows: ROWS, promptTokens: MOST_PROMPT_TOKENS });
}
