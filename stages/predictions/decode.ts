import { CACHE_FLOATS } from "../../eval/generate.ts";
import { decodingFacts } from "../../eval/reply_tokens.ts";
import { placesFor, positionsFor } from "../../eval/row_admission.ts";
import type { MemoryPart, Prediction, Sizes, Work } from "../../pipeline/prediction.ts";
import { countWeights } from "../../train/costs/arithmetic.ts";
import { decodingMemory, plainDecodingMemory } from "../../train/costs/memory.ts";
import { shapeOf } from "../../train/costs/model_sizes.ts";
import { decodingWork } from "../../train/costs/work.ts";
import { targetOf } from "../../train/graph/target.ts";
import type generate from "../generate.ts";
import { decodingByParams } from "../generation_params.ts";
import { countOf, type ParamsOf, type PredictOf } from "./params_of.ts";
import { loadingSeconds, speedOn } from "./speeds.ts";
import { CHARACTERS_PER_TOKEN, meanCharacters, meanPromptTokens } from "./tokenize.ts";

/** Replies that are written at once at most. */
export const ROWS = 512;

/** Replies to the prompts of pairs or of a benchmark, each as long as it may be. */
export const predictGenerating: PredictOf<typeof generate> = async (
  { params, inputs },
): Promise<Prediction> => {
  const [policy] = inputs.policy;
  const [asked = null] = [...inputs.pairs ?? [], ...inputs.benchmark?.map(withoutReplies) ?? []];
  const prompts = countOf(asked, "pairs") ?? countOf(asked, "prompts") ?? params.limit ?? null;
  if (prompts === null) return {};
  const { maxNewTokens, maxPromptLength = Infinity, limit = Infinity } = params;
  // Of a benchmark the limit is one of conversations, each of several replies.
  const turns = prompts / (countOf(asked, "questions") ?? prompts);
  const replies = Math.min(prompts, limit * turns);
  const promptTokens = meanPromptTokens(asked, maxPromptLength);
  const sizes = { replies, promptTokens, ...replySizes(params, asked) };
  const shape = shapeOf(policy);
  if (shape === null) return { outputs: { replies: sizes } };
  const { all } = countWeights(shape);
  return {
    outputs: { replies: sizes },
    work: {
      amount: replies * decodingWork(shape, { promptTokens, newTokens: maxNewTokens }),
      unit: "operations",
      ...decodingSpeed(params),
      startSeconds: loadingSeconds({ loadedBytes: 4 * all }),
      scale: all,
    },
    memory: await decodingMemoryOf(policy, params, {
      models: 1,
      rows: replies,
      promptTokens: Math.ceil(Math.min(maxPromptLength, 4 * promptTokens)),
    }),
  };
};

/** On a GPU, where decoding waits for much else than products, no speed is assumed. */
export function decodingSpeed(params: Writing): Pick<Work, "on" | "perSecond" | "like"> {
  const speed = speedOn(params, "decoding");
  return speed.on === "gpu" ? { ...speed, perSecond: null } : speed;
}

/** A benchmark's sizes as those of pairs, whose prompts they are told apart by having replies. */
function withoutReplies(sizes: Sizes | null): Sizes | null {
  return sizes && { ...sizes, chosenCharacters: 0 };
}

/** What is foreseen of replies, each as long as it may be; bytes as if every character took one. */
function replySizes(params: ParamsOf<typeof generate>, pairs: Sizes | null): Sizes {
  const texts = meanCharacters(pairs);
  return {
    replyTokens: params.maxNewTokens,
    promptBytes: texts.prompt,
    replyBytes: CHARACTERS_PER_TOKEN * params.maxNewTokens,
    chosenBytes: texts.chosen,
    ...decodingFacts(decodingByParams(params)),
  };
}

/** Of a stage that writes: how, and how long replies may be. */
export type Writing = Pick<
  ParamsOf<typeof generate>,
  "maxNewTokens" | "device" | "precision" | "tf32"
>;

/** As many rows at once as asked for, or as the cache may hold. */
export async function decodingMemoryOf(
  model: Sizes | null,
  { maxNewTokens, device, precision = "float32" }: Writing,
  { models, rows, promptTokens }: { models: number; rows: number; promptTokens: number },
): Promise<readonly MemoryPart[] | undefined> {
  const shape = shapeOf(model);
  if (shape === null) return undefined;
  const positions = positionsFor(promptTokens + maxNewTokens);
  const places = placesFor(positions, {
    mostRows: ROWS,
    mostPositions: CACHE_FLOATS / (2 * shape.layers * shape.keyValueHeads * shape.headDim),
  });
  const held = { models, rows: Math.min(rows, places), length: positions };
  const target = targetOf(device);
  if (target === "cpu" && precision === "float32") return decodingMemory(shape, held);
  const { decodingRun } = await import("../../train/costs/foreseen_run.ts");
  const how = { rows: held.rows, positions, promptTokens, precision, device: target };
  const computing = { run: decodingRun(shape, how), lanes: 1, device: target, precision };
  return plainDecodingMemory(shape, { ...held, ...computing });
}
