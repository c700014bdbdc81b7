import type { Prediction, Sizes } from "../../pipeline/prediction.ts";
import type tokenize from "../tokenize.ts";
import { countOf, type ParamsOf, type PredictOf } from "./params_of.ts";
import { ASSUMED } from "./speeds.ts";
import { type TokenSizes, tokenSizesOf } from "./token_sizes.ts";

type Params = ParamsOf<typeof tokenize>;

/** Characters of a token of English text in a vocabulary of about 50,000. */
export const CHARACTERS_PER_TOKEN = 4.4;

/** Characters that could be tokenized while a row is read and written. */
const ROW_CHARACTERS = 200;

/** Tokens that a chat template puts around a message. */
const TEMPLATE_TOKENS = 6;

/** Mean characters of UltraFeedback's first 1,000 pairs, for texts that nobody has read yet. */
const ULTRAFEEDBACK = { prompt: 669, chosen: 1269, rejected: 1107 } as const;

/**
 * What lengths vary adds to the mean of their products: E[p²] / E[p]², and E[r (p + r)] over the
 * product of means, in UltraFeedback cut at 512 to 1,024 tokens.
 */
const SPREAD = { prompt: 1.8, reply: 1.3 } as const;

/** Token ids of pairs: as long as last time, else guessed from characters. */
export const predictTokens: PredictOf<typeof tokenize> = ({ params, inputs, last }) => {
  const pairs = countOf(inputs.pairs[0], "pairs");
  if (pairs === null) return {};
  const before = lengthsBefore(last.tokens, params);
  const guessed = before === null ? guessLengths(params, inputs.pairs[0], pairs) : null;
  const sizes = { ...(before ?? guessed!.sizes), pairs };
  const { maxLength, maxPromptLength } = params;
  return {
    outputs: { tokens: { ...sizes, maxLength, maxPromptLength } },
    ...workOf(pairs, inputs.pairs[0]),
    assumes: guessed?.assumes ?? [],
  };
};

function workOf(pairs: number, sizes: Sizes | null): Pick<Prediction, "work"> {
  const texts = meanCharacters(sizes);
  const characters = texts.prompt + texts.chosen + (texts.rejected ?? 0);
  return {
    work: {
      amount: pairs * (characters + ROW_CHARACTERS),
      unit: "characters",
      perSecond: ASSUMED.tokenizedCharacters,
      startSeconds: 1,
      like: "tokenize",
      scale: 1,
    },
  };
}

/** Mean lengths of the last result, if it was cut alike and has rejected replies alike. */
function lengthsBefore(last: Sizes | undefined, params: Params): TokenSizes | null {
  const isAlike = last?.maxLength === params.maxLength &&
    last.maxPromptLength === params.maxPromptLength &&
    (last.rejectedTokens === 0) === params.chosenOnly;
  return isAlike ? tokenSizesOf(last) : null;
}

/** Mean characters of texts, where they are known. */
function charactersOf(sizes: Sizes | null) {
  const prompt = countOf(sizes, "promptCharacters");
  const chosen = countOf(sizes, "chosenCharacters");
  if (prompt === null || chosen === null) return null;
  return { prompt, chosen, rejected: countOf(sizes, "rejectedCharacters") };
}

function guessLengths(params: Params, pairs: Sizes | null, count: number) {
  const { maxLength, maxPromptLength } = params;
  const characters = charactersOf(pairs);
  const texts = characters ?? ULTRAFEEDBACK;
  const tokens = (text: number | null, most: number) => text === null ? 0 : cutMean(text, most);
  const prompt = tokens(texts.prompt, maxPromptLength);
  const chosen = tokens(texts.chosen, maxLength - maxPromptLength);
  const rejected = params.chosenOnly ? 0 : tokens(texts.rejected, maxLength - maxPromptLength);
  const longest = (rejected === 0 ? 1 : 2) * maxLength;
  const sizes = {
    promptTokens: prompt,
    chosenTokens: chosen,
    rejectedTokens: rejected,
    promptCells: SPREAD.prompt * prompt ** 2,
    chosenCells: SPREAD.reply * chosen * (prompt + chosen),
    rejectedCells: SPREAD.reply * rejected * (prompt + rejected),
    longestPair: longest,
    longestReplies: longest,
    longestSequence: maxLength,
    longestPrompt: maxLength - 1,
    longestChosen: maxLength - 1,
    longestRejected: rejected === 0 ? 0 : maxLength - 1,
    // Pairs that are cut are all as long.
    longPairs: count,
  };
  const lengths = [prompt, chosen, rejected].map((count) => Math.round(count)).join(", ");
  const source = characters
    ? `${CHARACTERS_PER_TOKEN} characters a token`
    : "UltraFeedback's lengths";
  return {
    sizes,
    assumes: [`prompts, chosen and rejected replies of ${lengths} tokens assumed (${source})`],
  };
}

/** Mean characters of pairs' texts; UltraFeedback's where nothing is known of them. */
export function meanCharacters(pairs: Sizes | null) {
  return charactersOf(pairs) ?? ULTRAFEEDBACK;
}

/** Mean tokens of pairs' prompts, cut at `most`; UltraFeedback's where nothing is known of them. */
export function meanPromptTokens(pairs: Sizes | null, most: number): number {
  return cutMean(meanCharacters(pairs).prompt, most);
}

/** Mean tokens of texts whose lengths fall off exponentially, cut at `most`. */
function cutMean(characters: number, most: number): number {
  const mean = characters / CHARACTERS_PER_TOKEN + TEMPLATE_TOKENS;
  return mean * (1 - Math.exp(-most / mean));
}
